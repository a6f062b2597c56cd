/** An invariant that does not hold, and where. */
export interface Finding {
  readonly invariant: string;
  readonly service: string;
  /** Which of the service's logs; 0 where absent. */
  readonly log?: number;
  readonly position: number | null;
  readonly eventId: string | null;
  readonly detail: string;
}

/** So many findings are kept to be shown; a log that is broken throughout must not fill the memory. */
export const FINDINGS_SHOWN_MAX = 50;

/** Counts all findings and keeps the first of them. */
export class Findings {
  readonly shown: Finding[] = [];
  readonly invariants = new Set<string>();
  count = 0;

  add(finding: Finding): void {
    this.count += 1;
    this.invariants.add(finding.invariant);
    if (this.shown.length < FINDINGS_SHOWN_MAX) this.shown.push(finding);
  }
}

/** A service's log, as people call it. */
export function placeName(service: string, log: number): string {
  return log === 0 ? service : `${service} log ${log}`;
}

export function describeFinding({ invariant, service, log = 0, position, eventId, detail }: Finding): string {
  const where =
    position === null
      ? placeName(service, log)
      : `${placeName(service, log)} position ${position}, event ${eventId ?? '?'}`;
  return `${invariant}  ${where}: ${detail}`;
}
