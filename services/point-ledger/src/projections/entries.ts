import type { Projection } from '@tsunagu/event-store';
import type { AccountEvent } from '../domain/account.js';
import type { LotPart } from '../domain/lot.js';

/** One lot's part in an event, signed by its effect on what is available and what is held. */
interface Movement {
  readonly lotId: string;
  readonly ownerId: string;
  readonly points: number;
  readonly heldPoints: number;
  readonly dryRunPoints?: number;
  /** Change of what the person owes. */
  readonly receivablePoints?: number;
}

/** What a person sees as the history of the account: one row a lot that an event moved. */
export const entriesProjection: Projection = {
  name: 'entries',
  tables: ['entries'],
  types: [
    'PointsGranted',
    'PointsHeld',
    'HoldCaptured',
    'HoldReleased',
    'PointsExpired',
    'GrantReversed',
    'ReceivableRecorded',
    'ReceivableRepaid',
    'ReceivableWrittenOff',
  ],
  async apply(client, events) {
    const rows = events.flatMap((event) => {
      const { type, data } = event as unknown as AccountEvent;
      const movements = movementsOf({ type, data } as AccountEvent);
      return movements.map(({ lotId, ownerId, points, heldPoints, dryRunPoints, receivablePoints }, ordinal) => ({
        log: event.log,
        position: event.position,
        ordinal,
        person_id: data.personId,
        owner_id: ownerId,
        kind: kinds[type as keyof typeof kinds],
        points,
        held_points: heldPoints,
        dry_run_points: dryRunPoints ?? null,
        receivable_points: receivablePoints ?? 0,
        effective_at: event.effectiveAt,
        recorded_at: event.recordedAt,
        event_id: event.id,
        lot_id: lotId,
        claim_id: 'claimId' in data ? data.claimId : null,
        exchange_id: 'exchangeId' in data ? data.exchangeId : null,
      }));
    });
    if (rows.length > 0) await client.query(insert, [JSON.stringify(rows)]);
  },
};

export const kinds = {
  PointsGranted: 'grant',
  PointsHeld: 'hold',
  HoldCaptured: 'capture',
  HoldReleased: 'release',
  PointsExpired: 'expire',
  GrantReversed: 'reverse',
  ReceivableRecorded: 'receivable',
  ReceivableRepaid: 'repay',
  // The API's list of kinds is closed: an entry about what is owed, with receivablePoints below zero.
  ReceivableWrittenOff: 'receivable',
} as const;

/** The effect of an event on each of its lots. A dry-run grant moves no points that can be used. */
export function movementsOf(event: AccountEvent): readonly Movement[] {
  switch (event.type) {
    case 'PointsGranted':
      return [usable(event.data, event.data.amountPoints)];
    case 'PointsExpired':
    case 'GrantReversed':
      // A reversal that finds nothing left in the lot moves nothing; what was spent is an entry of its own.
      return event.data.points === 0 ? [] : [usable(event.data, -event.data.points)];
    case 'ReceivableRecorded':
      return [{ ...owed(event.data), receivablePoints: event.data.points }];
    case 'ReceivableWrittenOff':
      return [{ ...owed(event.data), receivablePoints: -event.data.points }];
    case 'ReceivableRepaid': {
      const { payingLotId, payingOwnerId, points } = event.data;
      const paid = { lotId: payingLotId, ownerId: payingOwnerId, points: -points, heldPoints: 0 };
      return [{ ...paid, receivablePoints: -points }];
    }
    case 'PointsHeld':
      return event.data.lots.map((lot) => movement(lot, -1, 1));
    case 'HoldCaptured':
      return event.data.lots.map((lot) => movement(lot, 0, -1));
    case 'HoldReleased':
      return event.data.lots.map((lot) => movement(lot, 1, -1));
    default:
      return [];
  }
}

function usable(of: { lotId: string; ownerId: string; dryRun: boolean }, points: number): Movement {
  const { lotId, ownerId, dryRun } = of;
  return dryRun
    ? { lotId, ownerId, points: 0, heldPoints: 0, dryRunPoints: points }
    : { lotId, ownerId, points, heldPoints: 0 };
}

function owed({ lotId, ownerId }: { lotId: string; ownerId: string }): Movement {
  return { lotId, ownerId, points: 0, heldPoints: 0 };
}

function movement({ lotId, ownerId, points }: LotPart, available: -1 | 0 | 1, held: -1 | 1): Movement {
  // Never −0: it is another value than 0 to a strict comparison.
  return { lotId, ownerId, points: available === 0 ? 0 : available * points, heldPoints: held * points };
}

const insert = `
  insert into entries (
    log, position, ordinal, person_id, owner_id, kind, points, held_points, dry_run_points, effective_at, recorded_at,
    event_id, lot_id, claim_id, exchange_id, receivable_points)
  select log, position, ordinal, person_id, owner_id, kind, points, held_points, dry_run_points, effective_at, recorded_at,
         event_id, lot_id, claim_id, exchange_id, receivable_points
    from json_to_recordset($1::json) as entry (
      log integer, position bigint, ordinal smallint, person_id uuid, owner_id text, kind text, points bigint, held_points bigint,
      dry_run_points bigint, effective_at timestamptz, recorded_at timestamptz, event_id uuid, lot_id uuid,
      claim_id uuid, exchange_id uuid, receivable_points bigint)`;
