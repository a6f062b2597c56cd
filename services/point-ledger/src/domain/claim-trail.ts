import { type Posting, postingsOf } from './postings.js';

interface AccountEventRead {
  readonly type: string;
  readonly data: unknown;
}

/** An event that touched a claim, of its lots only the claim's, and what it moved of that lot. */
export interface TrailStep<E extends AccountEventRead> {
  readonly event: E;
  readonly postings: readonly Posting[];
}

/**
 * What an account's events say of one claim: those that name it or its lot anywhere in their data, whatever their type, so that
 * a new kind of event shows by itself. Parts of other lots are left out, they may be another owner's, and with them the total.
 */
export function trailOf<E extends AccountEventRead>(claimId: string, events: readonly E[]): readonly TrailStep<E>[] {
  const granted = events.find(({ type, data }) => type === 'PointsGranted' && member(data, 'claimId') === claimId);
  const lotId = member(granted?.data, 'lotId');
  const wanted = new Set<unknown>([claimId, lotId]);
  return events
    .filter(({ data }) => names(data, wanted))
    .map((event) => {
      const own = { ...event, data: ofLot(event.data, lotId) };
      return { event: own, postings: postingsOf(own) };
    });
}

function names(value: unknown, wanted: ReadonlySet<unknown>): boolean {
  if (typeof value === 'string') return wanted.has(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((each) => names(each, wanted));
}

function ofLot(data: unknown, lotId: unknown): unknown {
  const lots = member(data, 'lots');
  if (!Array.isArray(lots)) return data;
  const own = lots.filter((part) => member(part, 'lotId') === lotId);
  if (own.length === lots.length) return data;
  const { points: _, ...rest } = data as Record<string, unknown>;
  return { ...rest, lots: own };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
