/** An invariant that does not hold, and where. */
export interface Finding {
  readonly invariant: string;
  readonly service: string;
  readonly position: number | null;
  readonly eventId: string | null;
  readonly detail: string;
}

export function describeFinding({ invariant, service, position, eventId, detail }: Finding): string {
  const where = position === null ? service : `${service} position ${position}, event ${eventId ?? '?'}`;
  return `${invariant}  ${where}: ${detail}`;
}
