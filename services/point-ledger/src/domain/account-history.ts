import { correctionOf } from './correction.js';
import { type LotChange, lotChangesOf } from './lot-changes.js';

/** An event of an account as its statement reads it. */
export interface HistoryEvent {
  readonly id: string;
  readonly type: string;
  readonly position: number;
  readonly effectiveAt: string;
  readonly recordedAt: string;
  readonly actor: string;
  readonly data: unknown;
}

const kinds = {
  PointsGranted: 'grant',
  PointsHeld: 'hold',
  HoldCaptured: 'capture',
  HoldReleased: 'release',
  PointsExpired: 'expire',
  GrantReversed: 'reverse',
  ReceivableRecorded: 'receivable',
  ReceivableRepaid: 'repay',
  ReceivableWrittenOff: 'write_off',
} as const;

export type MovementKind = (typeof kinds)[keyof typeof kinds];

/** One lot's part in an event. Points are signed by their effect on what is available, held and owed. */
export interface Movement {
  readonly entryId: string;
  readonly kind: MovementKind;
  readonly lotId: string;
  readonly fundId: string;
  readonly ownerId: string;
  readonly points: number;
  readonly heldPoints: number;
  readonly owedPoints: number;
  /** Points of a trial, which are no points: in place of `points`. */
  readonly dryRunPoints: number | null;
  readonly effectiveAt: string;
  readonly recordedAt: string;
  readonly claimId: string | null;
  readonly exchangeId: string | null;
  readonly reasonPattern: string | null;
  readonly approvedBy: string | null;
}

/** A lot from its grant on: whose it is never changes; its expiry does. */
interface KnownLot {
  readonly lotId: string;
  readonly fundId: string;
  readonly ownerId: string;
  readonly dryRun: boolean;
}

/** What moved and when each lot expires, as the account's own stream tells it. */
export interface AccountHistory {
  readonly movements: readonly Movement[];
  readonly terms: readonly Term[];
}

interface Term extends KnownLot {
  readonly expiresAt: string | null;
  readonly effectiveAt: string;
  readonly recordedAt: string;
}

/** Which events count: those effective and recorded before these instants (ms, Infinity for all). */
export interface Cut {
  readonly effectiveBefore: number;
  readonly recordedBefore: number;
}

interface Named {
  readonly lotId?: string;
  readonly claimId?: string;
  readonly exchangeId?: string;
}

/** The history of an account from all events of its stream, of all owners' lots or of one owner's only. */
export function accountHistoryOf(events: readonly HistoryEvent[], ownerId?: string): AccountHistory {
  const lots = new Map<string, KnownLot>();
  const movements: Movement[] = [];
  const terms: Term[] = [];
  for (const event of events) {
    if (event.type === 'PointsGranted') {
      const { lotId, fundId, ownerId: paidBy, dryRun } = event.data as KnownLot;
      lots.set(lotId, { lotId, fundId, ownerId: paidBy, dryRun });
    }
    for (const [ordinal, change] of changesOf(event).entries()) {
      const lot = lots.get(change.lotId);
      if (!lot) throw new Error(`an event moves points of the lot ${change.lotId}, which was never granted`);
      if (ownerId !== undefined && lot.ownerId !== ownerId) continue;
      const { effectiveAt, recordedAt } = event;
      if (change.expiresAt !== undefined) terms.push({ ...lot, expiresAt: change.expiresAt, effectiveAt, recordedAt });
      if (event.type in kinds) movements.push(movementOf(event, ordinal, lot, change));
    }
  }
  return { movements, terms };
}

/** Sums of the movements that count. `bookedPoints` are the available accounts of double entry: what expired is in it until that is recorded. */
export interface Balance {
  readonly bookedPoints: number;
  readonly heldPoints: number;
  /** Receivables that are open. */
  readonly owedPoints: number;
}

export function balanceAt({ movements }: AccountHistory, cut: Cut): Balance {
  let [bookedPoints, heldPoints, owedPoints] = [0, 0, 0];
  for (const movement of movements) {
    if (!counts(movement, cut)) continue;
    bookedPoints += movement.points;
    heldPoints += movement.heldPoints;
    owedPoints += movement.owedPoints;
  }
  return { bookedPoints, heldPoints, owedPoints };
}

export interface LotBalance extends KnownLot {
  readonly bookedPoints: number;
  readonly heldPoints: number;
  readonly expiresAt: string | null;
}

/** What each lot had at a time, those with something only, in the order granted. */
export function lotsAt({ movements, terms }: AccountHistory, cut: Cut): readonly LotBalance[] {
  const lots = new Map<string, LotBalance>();
  for (const { lotId, fundId, ownerId, dryRun, expiresAt, ...times } of terms) {
    if (counts(times, cut)) {
      const sofar = lots.get(lotId) ?? { bookedPoints: 0, heldPoints: 0 };
      lots.set(lotId, { ...sofar, lotId, fundId, ownerId, dryRun, expiresAt });
    }
  }
  for (const movement of movements) {
    const lot = lots.get(movement.lotId);
    if (!lot || !counts(movement, cut)) continue;
    const bookedPoints = lot.bookedPoints + (movement.dryRunPoints ?? movement.points);
    lots.set(lot.lotId, { ...lot, bookedPoints, heldPoints: lot.heldPoints + movement.heldPoints });
  }
  return [...lots.values()].filter((lot) => lot.bookedPoints !== 0 || lot.heldPoints !== 0);
}

/** Real points of lots whose term had ended by `at` (ms), while the expiry was not recorded: nobody can use them. */
export function lapsedAt(lots: readonly LotBalance[], at: number): number {
  return lots
    .filter(({ dryRun, expiresAt }) => !dryRun && expiresAt !== null && Date.parse(expiresAt) <= at)
    .reduce((sum, lot) => sum + lot.bookedPoints, 0);
}

export interface AccountStatement {
  readonly opening: Balance;
  /** By effective time; in the order recorded where that is the same. */
  readonly movements: readonly Movement[];
  readonly closing: Balance;
}

/** From `from` up to, and not at, `until` (ms) by effective time, of what was recorded before `recordedBefore`. */
export function accountStatementOf(
  history: AccountHistory,
  { from, until, recordedBefore }: { readonly from: number; readonly until: number; readonly recordedBefore: number },
): AccountStatement {
  const within = history.movements.filter(
    (movement) =>
      Date.parse(movement.effectiveAt) >= from && counts(movement, { effectiveBefore: until, recordedBefore }),
  );
  return {
    opening: balanceAt(history, { effectiveBefore: from, recordedBefore }),
    movements: within.sort((a, b) => Date.parse(a.effectiveAt) - Date.parse(b.effectiveAt)),
    closing: balanceAt(history, { effectiveBefore: until, recordedBefore }),
  };
}

function counts(
  { effectiveAt, recordedAt }: { readonly effectiveAt: string; readonly recordedAt: string },
  { effectiveBefore, recordedBefore }: Cut,
): boolean {
  return Date.parse(effectiveAt) < effectiveBefore && Date.parse(recordedAt) < recordedBefore;
}

/** Changes of lots, a grant's and a receivable's included: each is a line of its own. */
function changesOf(event: HistoryEvent): readonly LotChange[] {
  const data = event.data as {
    readonly lotId: string;
    readonly amountPoints: number;
    readonly expiresAt: string | null;
  };
  switch (event.type) {
    case 'PointsGranted':
      return [{ lotId: data.lotId, availablePoints: data.amountPoints, heldPoints: 0, expiresAt: data.expiresAt }];
    case 'ReceivableRecorded':
    case 'ReceivableWrittenOff':
      return [{ lotId: data.lotId, availablePoints: 0, heldPoints: 0 }];
    default:
      return lotChangesOf(event);
  }
}

function movementOf(event: HistoryEvent, ordinal: number, lot: KnownLot, change: LotChange): Movement {
  const { claimId = null, exchangeId = null } = event.data as Named;
  const { reasonPattern = null, approvedBy = null } = correctionOf(event) ?? {};
  return {
    entryId: `${event.id}.${ordinal}`,
    kind: kinds[event.type as keyof typeof kinds],
    lotId: lot.lotId,
    fundId: lot.fundId,
    ownerId: lot.ownerId,
    points: lot.dryRun ? 0 : change.availablePoints,
    heldPoints: change.heldPoints,
    owedPoints: owedBy(event),
    dryRunPoints: lot.dryRun ? change.availablePoints : null,
    effectiveAt: event.effectiveAt,
    recordedAt: event.recordedAt,
    claimId,
    exchangeId,
    reasonPattern,
    approvedBy,
  };
}

function owedBy({ type, data }: HistoryEvent): number {
  const { points } = data as { readonly points: number };
  if (type === 'ReceivableRecorded') return points;
  return type === 'ReceivableRepaid' || type === 'ReceivableWrittenOff' ? -points : 0;
}
