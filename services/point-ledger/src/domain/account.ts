import type { DataOf } from '@tsunagu/contracts';
import { subtractPoints } from '@tsunagu/kernel';
import { GrownList } from './grown-list.js';
import { GrownMap } from './grown-map.js';
import { changedLots, type Lot, type LotPart, moved, newLot } from './lot.js';
import { evolveReceivables, type Receivable } from './receivable.js';

/** A person's account: lots of points, each with its fund, the holds on them, and what the person owes. Its stream is the only truth about it. */
export type AccountEvent = {
  readonly [T in AccountEventType]: { readonly type: T; readonly data: DataOf<T> };
}[AccountEventType];

const accountEventTypes = [
  'PointsGranted',
  'GrantRefused',
  'PointsHeld',
  'HoldRefused',
  'HoldCaptured',
  'HoldReleased',
  'PointsExpired',
  'LotExtended',
  'GrantReversed',
  'ReceivableRecorded',
  'ReceivableRepaid',
  'ReceivableWrittenOff',
] as const;
type AccountEventType = (typeof accountEventTypes)[number];

const accountTypes: ReadonlySet<string> = new Set(accountEventTypes);

export function isAccountEvent(event: { readonly type: string; readonly data: unknown }): event is AccountEvent {
  return accountTypes.has(event.type);
}

/** What became of an exchange on this account; `hold` is there unless it was refused. */
export type ExchangeOnAccount =
  | { readonly state: 'refused' }
  | {
      readonly state: 'held' | 'captured' | 'released';
      readonly hold: DataOf<'PointsHeld'>;
      /** What of the hold is neither captured nor released. */
      readonly openLots: readonly LotPart[];
    };

export interface Account {
  /** In the order granted. */
  readonly lots: GrownList<Lot>;
  /** The last decision of each claim. */
  readonly claims: GrownMap<string, { readonly attempt: number; readonly granted: boolean }>;
  /** I1: the claim that each measure was granted to, for ever: a reversed grant was still the one grant. */
  readonly measures: GrownMap<string, string>;
  readonly exchanges: GrownMap<string, ExchangeOnAccount>;
  /** In the order recorded, those that are closed included. */
  readonly receivables: ReadonlyMap<string, Receivable>;
}

export const emptyAccount: Account = {
  lots: GrownList.from([]),
  claims: GrownMap.from([]),
  measures: GrownMap.from([]),
  exchanges: GrownMap.from([]),
  receivables: new Map(),
};

export function accountStream(personId: string): string {
  return `account-${personId}`;
}

export function evolveAccount(account: Account, event: AccountEvent): Account {
  switch (event.type) {
    case 'PointsGranted':
      return granted(account, event.data);
    case 'GrantRefused': {
      const decision = { attempt: event.data.attempt, granted: false };
      return { ...account, claims: account.claims.with(event.data.claimId, decision) };
    }
    case 'HoldRefused':
      return withExchange(account, event.data.exchangeId, { state: 'refused' });
    case 'PointsHeld': {
      const hold = event.data;
      const lots = changedLots(account.lots, hold.lots, (lot, points) => moved(lot, points, 'available', 'held'));
      return withExchange({ ...account, lots }, hold.exchangeId, { state: 'held', hold, openLots: hold.lots });
    }
    case 'HoldCaptured':
      return ended(account, event.data, 'captured');
    case 'HoldReleased':
      return ended(account, event.data, 'released');
    case 'PointsExpired':
      return changed(account, event.data, (lot, points) => moved(lot, points, 'available', 'expired'));
    case 'LotExtended': {
      const { lotId, expiresAt, extensionId } = event.data;
      return changed(account, { lotId, points: 0 }, (lot) => ({ ...lot, expiresAt, extensionId }));
    }
    case 'GrantReversed': {
      const { reversalId, reasonPattern } = event.data;
      const reversal = { reversalId, reasonPattern };
      return changed(account, event.data, (lot, points) => ({
        ...moved(lot, points, 'available', 'reversed'),
        reversal,
      }));
    }
    case 'ReceivableRepaid': {
      const { payingLotId: lotId, points } = event.data;
      const paid = changed(account, { lotId, points }, (lot) => moved(lot, points, 'available', 'repaid'));
      return { ...paid, receivables: evolveReceivables(paid.receivables, event) };
    }
    case 'ReceivableRecorded':
    case 'ReceivableWrittenOff':
      return { ...account, receivables: evolveReceivables(account.receivables, event) };
  }
}

export function foldAccount(events: Iterable<{ readonly type: string; readonly data: unknown }>): Account {
  let account = emptyAccount;
  for (const event of events) account = evolveAccount(account, event as AccountEvent);
  return account;
}

export function lotOf(account: Account, lotId: string): Lot | undefined {
  for (const lot of account.lots) if (lot.lotId === lotId) return lot;
  return undefined;
}

function granted(account: Account, data: DataOf<'PointsGranted'>): Account {
  return {
    ...account,
    lots: account.lots.with(newLot(data)),
    claims: account.claims.with(data.claimId, { attempt: data.attempt, granted: true }),
    measures: account.measures.with(data.measureId, data.claimId),
  };
}

function changed(
  account: Account,
  part: { readonly lotId: string; readonly points: number },
  change: (lot: Lot, points: number) => Lot,
): Account {
  return { ...account, lots: changedLots(account.lots, [part], change) };
}

/** A hold ends part by part: captured wholly, or captured in part and the rest released, or released. */
function ended(
  account: Account,
  data: { readonly exchangeId: string; readonly lots: readonly LotPart[] },
  state: 'captured' | 'released',
): Account {
  const before = account.exchanges.get(data.exchangeId);
  if (before?.state === 'refused' || !before?.openLots.length)
    throw new Error(`exchange ${data.exchangeId} has no hold to end`);
  const to = state === 'captured' ? 'exchanged' : 'available';
  const lots = changedLots(account.lots, data.lots, (lot, points) => moved(lot, points, 'held', to));
  return withExchange({ ...account, lots }, data.exchangeId, {
    state: before.state === 'captured' ? 'captured' : state,
    hold: before.hold,
    openLots: partsLeft(before.openLots, data.lots),
  });
}

function partsLeft(open: readonly LotPart[], taken: readonly LotPart[]): readonly LotPart[] {
  if (taken.some(({ lotId }) => open.every((part) => part.lotId !== lotId)))
    throw new Error('a hold ends with a lot that it does not hold');
  return open.flatMap((part) => {
    const gone = taken.find(({ lotId }) => lotId === part.lotId)?.points ?? 0;
    const points = subtractPoints(part.points, gone);
    return points === 0 ? [] : [{ ...part, points }];
  });
}

function withExchange(account: Account, exchangeId: string, exchange: ExchangeOnAccount): Account {
  return { ...account, exchanges: account.exchanges.with(exchangeId, exchange) };
}
