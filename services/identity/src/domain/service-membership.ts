import { ok, type Result, refuse } from '@tsunagu/kernel';

interface Members {
  readonly service: string;
  readonly personId: string;
  /** The service's own id of the person, by keyed hash. */
  readonly serviceIdRef: string;
}

/** Stream `membership-<service>+<serviceIdRef>`: one service id belongs to one person. */
export type ServiceIdEvent =
  | { readonly type: 'ServiceIdReserved'; readonly data: Members }
  | { readonly type: 'ServiceIdReleased'; readonly data: Members };

/** Stream `member-<service>+<personId>`: one person has one id at a service. */
export type MembershipEvent =
  | {
      readonly type: 'MembershipRegistered';
      readonly data: Members & {
        /** The certificate that signed for it, by keyed hash, and the terminal it lay in. */
        readonly certificateRef: string;
        readonly terminalId: string;
      };
    }
  | { readonly type: 'MembershipEnded'; readonly data: Members & { readonly certificateRef: string } };

export function serviceIdStream(service: string, serviceIdRef: string): string {
  return `membership-${service}+${serviceIdRef}`;
}

export function memberStream(service: string, personId: string): string {
  return `member-${service}+${personId}`;
}

/** The hash of the id that a person has at the service; null where there is none. */
export function idOfMember(events: readonly MembershipEvent[]): string | null {
  const last = events.at(-1);
  return last?.type === 'MembershipRegistered' ? last.data.serviceIdRef : null;
}

/** Whose a service id is; null while it is free. */
export function memberOfId(events: readonly ServiceIdEvent[]): string | null {
  const last = events.at(-1);
  return last?.type === 'ServiceIdReserved' ? last.data.personId : null;
}

export interface MembershipChange {
  readonly member: readonly MembershipEvent[];
  readonly serviceId: readonly ServiceIdEvent[];
}

/** "Already registered" (DOMAIN §1) whichever id it is: another one is registered after the first has ended. */
export function decideMembership(
  now: { readonly own: readonly MembershipEvent[]; readonly holders: readonly ServiceIdEvent[] },
  wish: Extract<MembershipEvent, { type: 'MembershipRegistered' }>['data'],
): Result<MembershipChange, 'identity.already_registered' | 'identity.service_id_taken'> {
  if (idOfMember(now.own) !== null) return refuse('identity.already_registered');
  if (memberOfId(now.holders) !== null) return refuse('identity.service_id_taken');
  const { service, personId, serviceIdRef } = wish;
  return ok({
    member: [{ type: 'MembershipRegistered', data: wish }],
    serviceId: [{ type: 'ServiceIdReserved', data: { service, personId, serviceIdRef } }],
  });
}

/** The id is free again for the service to give to somebody else. */
export function decideEnd(
  own: readonly MembershipEvent[],
  { service, personId, certificateRef }: Omit<MembershipEvent['data'], 'serviceIdRef'>,
): MembershipChange {
  const serviceIdRef = idOfMember(own);
  if (serviceIdRef === null) return { member: [], serviceId: [] };
  const members = { service, personId, serviceIdRef };
  return {
    member: [{ type: 'MembershipEnded', data: { ...members, certificateRef } }],
    serviceId: [{ type: 'ServiceIdReleased', data: members }],
  };
}
