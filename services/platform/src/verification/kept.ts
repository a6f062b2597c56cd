import type { RecordedEvent } from '@tsunagu/event-store';
import { isAccountEvent } from '@tsunagu/point-ledger';
import type { Spill } from './spill.js';

/** An event as it is read from a log. */
export type Read = RecordedEvent<string, Record<string, unknown>>;

/** What of an event the checks of one subject look at. */
export type Seen = Pick<
  Read,
  | 'log'
  | 'position'
  | 'revision'
  | 'id'
  | 'stream'
  | 'type'
  | 'requestId'
  | 'recordedAt'
  | 'effectiveAt'
  | 'causationId'
  | 'data'
  | 'reads'
>;

/** An event put aside for the checks named in `roles`. */
export interface Kept extends Seen {
  readonly service: string;
  readonly roles: number;
  /** Of the lease that a decision of the ledger drew from or read, where that was known; else null. */
  readonly restPoints: number | null;
}

/** For whose sake an event lies in a bucket: what is checked there of it. */
export const role = {
  /** Its stream's: revisions, and the fold of an account. */
  stream: 1,
  /** The person's: one claim, one grant, one row of a list. */
  person: 2,
  /** The exchange's. */
  exchange: 4,
  /** Its request's: the event stands for the first of a run, and `stream` is the request's id. */
  request: 8,
} as const;

const services = ['campaign', 'exchange-settlement', 'identity', 'service-link', 'point-ledger'];

type Place = readonly [service: number, roles: number, log: number, position: number, revision: number, id: string];
export type KeptRecord =
  | readonly [...Place, stream: string]
  | readonly [
      ...Place,
      stream: string,
      type: string,
      requestId: string,
      recordedAt: string,
      effectiveAt: string,
      causationId: string | null,
      data: Read['data'],
      reads: Read['reads'] | null,
      restPoints: number | null,
    ];

/**
 * Puts an event aside with its stream's subject and, where it says something of a person or an exchange, with whom it names.
 * Accounts and claims of a person come back together, and so does all that is said of an exchange.
 */
export function keep(spill: Spill<KeptRecord>, service: string, event: Read, restPoints: number | null = null): void {
  const home = spill.bucketOf(subjectOf(event.stream));
  const further = furtherRole(service, event);
  const isFolded = service === 'point-ledger' && isAccountEvent(event);
  if (further === undefined) {
    spill.add(home, isFolded ? whole(service, role.stream, event, restPoints) : brief(service, role.stream, event));
    return;
  }
  const other = spill.bucketOf(furtherSubject(service, further, event));
  if (other === home) {
    spill.add(home, whole(service, role.stream | further, event, restPoints));
    return;
  }
  spill.add(home, isFolded ? whole(service, role.stream, event, restPoints) : brief(service, role.stream, event));
  spill.add(other, whole(service, further, event, restPoints));
}

/** Puts aside that a run of events of one request begins here. */
export function keepRequest(spill: Spill<KeptRecord>, service: string, event: Read): void {
  const { log, position, id, requestId } = event;
  spill.add(spill.bucketOf(requestId), [services.indexOf(service), role.request, log, position, 0, id, requestId]);
}

export function keptOf(record: KeptRecord): Kept {
  const [service, roles, log, position, revision, id, stream, type = '', requestId = '', ...more] = record;
  const [recordedAt = '', effectiveAt = '', causationId = null, data = {}, reads = null, restPoints = null] = more;
  const times = { recordedAt, effectiveAt, causationId, data, restPoints };
  const kept = { service: services[service] ?? '', roles, log, position, revision, id, stream, type, requestId };
  return { ...kept, ...times, ...(reads === null ? {} : { reads }) };
}

function brief(service: string, roles: number, { log, position, revision, id, stream }: Read): KeptRecord {
  return [services.indexOf(service), roles, log, position, revision, id, stream];
}

function whole(service: string, roles: number, event: Read, restPoints: number | null): KeptRecord {
  const { log, position, revision, id, stream, type, requestId, recordedAt, effectiveAt } = event;
  const { causationId, data, reads = null } = event;
  const place = [services.indexOf(service), roles, log, position, revision, id, stream] as const;
  return [...place, type, requestId, recordedAt, effectiveAt, causationId, data, reads, restPoints];
}

/** A claim's lies with its stream, what is said of an exchange with the exchange, the ledger's answer with the person whom it names. */
function furtherSubject(service: string, further: number, { stream, data }: Read): string {
  if (service === 'campaign') return subjectOf(stream);
  return String(further === role.exchange ? data.exchangeId : data.personId);
}

/** The person of `account-<person>`, `consent-<person>`, `standing-<person>` and `entitlement-<measure>+<person>`; any other stream is its own subject. */
function subjectOf(stream: string): string {
  if (stream.startsWith('account-')) return stream.slice('account-'.length);
  if (stream.startsWith('consent-')) return stream.slice('consent-'.length);
  if (stream.startsWith('standing-')) return stream.slice('standing-'.length);
  if (stream.startsWith('entitlement-')) return stream.slice(stream.lastIndexOf('+') + 1);
  return stream;
}

const furtherRoles: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  campaign: {
    ClaimAccepted: role.person,
    ClaimReopened: role.person,
    ClaimGranted: role.person,
    ClaimRefused: role.person,
    ClaimCancelled: role.person,
    WithdrawalNoted: role.person,
    RevocationNoted: role.person,
    ErasureNoted: role.person,
  },
  'exchange-settlement': {
    ExchangeRequested: role.exchange,
    ExchangeConfirmed: role.exchange,
    ExchangeRejected: role.exchange,
    ExchangeCancelled: role.exchange,
  },
  'point-ledger': {
    PointsGranted: role.person,
    GrantRefused: role.person,
    GrantReversed: role.person,
    PointsHeld: role.exchange,
    HoldCaptured: role.exchange,
    HoldReleased: role.exchange,
  },
};

function furtherRole(service: string, { type }: Read): number | undefined {
  return furtherRoles[service]?.[type];
}
