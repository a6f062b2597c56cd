import type { DataOf } from '@tsunagu/contracts';
import { derivedId, isoTime, sumPoints } from '@tsunagu/kernel';
import { type Account, type AccountEvent, evolveAccount, lotOf } from './account.js';
import { decideExpiry, expired } from './expiry.js';
import { isPastExpiry, type Lot, type LotPart } from './lot.js';
import { type RepaymentRule, repaymentsFrom } from './receivable.js';

/** What an account's events lead to by rule, besides what their decision was about. */
export interface AccountRules {
  readonly repayment: RepaymentRule;
  /**
   * Points that a failed exchange gives back after their term: 0 lets them expire at once; more gives the person so many
   * hours to use them. Points under a hold never expire: a captured one counts.
   */
  readonly releaseGraceHours: number;
}

/** An event and all that follows from it at once: recorded in one request, in this order. */
export function withConsequences(
  account: Account,
  event: AccountEvent,
  rules: AccountRules,
  now: string,
): { readonly events: readonly [AccountEvent, ...AccountEvent[]]; readonly account: Account } {
  const events: [AccountEvent, ...AccountEvent[]] = [event];
  let state = evolveAccount(account, event);
  for (let next = 0; next < events.length; next += 1) {
    // Consequences of the event at hand, decided on the account after all that is listed so far.
    for (const consequence of consequencesOf(state, events[next] ?? event, rules, now)) {
      events.push(consequence);
      state = evolveAccount(state, consequence);
    }
  }
  return { events, account: state };
}

/** The id of an event's n-th consequence: the same whenever the same event is recorded. */
export function consequenceId(type: string, index: number, causeId: string): string {
  return derivedId(`${type} ${index}`, causeId);
}

function consequencesOf(
  account: Account,
  event: AccountEvent,
  rules: AccountRules,
  now: string,
): readonly AccountEvent[] {
  switch (event.type) {
    case 'PointsGranted':
      return repaymentsFrom(account.receivables.values(), event.data, rules.repayment).map((data) => ({
        type: 'ReceivableRepaid',
        data,
      }));
    case 'HoldCaptured':
      return [...restOf(account, event.data), ...owedFor(account, event.data)];
    case 'HoldReleased':
      return event.data.lots.flatMap((part) => givenBack(account, event.data, part, rules, now));
    case 'GrantReversed':
      return [...receivableOf(event.data), ...expiredOf(lotOf(account, event.data.lotId), event.data.personId, now)];
    default:
      return [];
  }
}

/** What a capture in part leaves of its hold is released: the provider's answer ended the exchange. */
function restOf(account: Account, captured: DataOf<'HoldCaptured'>): readonly AccountEvent[] {
  const exchange = account.exchanges.get(captured.exchangeId);
  if (exchange?.state !== 'captured' || exchange.openLots.length === 0) return [];
  const { holdId, exchangeId, personId } = captured;
  const lots = exchange.openLots;
  const points = sumPoints(lots.map((part) => part.points));
  const data = { holdId, exchangeId, personId, points, lots: [...lots], reasonCode: 'credited_in_part' };
  return [{ type: 'HoldReleased', data }];
}

/** Points of a reversed grant that an exchange took after all are owed. */
function owedFor(account: Account, { holdId, personId, lots }: DataOf<'HoldCaptured'>): readonly AccountEvent[] {
  return lots.flatMap(({ lotId, fundId, ownerId, points }) => {
    const reversal = lotOf(account, lotId)?.reversal;
    if (!reversal) return [];
    const { reversalId } = reversal;
    // One hold takes a lot once, so a hold and a lot name the receivable.
    const receivableId = derivedId(`receivable ${lotId}`, holdId);
    const data = { personId, receivableId, reversalId, lotId, fundId, ownerId, points };
    return [{ type: 'ReceivableRecorded' as const, data }];
  });
}

/** What becomes of points that a hold gave back: past their term they are gone or get a grace; of a reversed grant they are taken. */
function givenBack(
  account: Account,
  { personId, holdId }: DataOf<'HoldReleased'>,
  { lotId, points }: LotPart,
  rules: AccountRules,
  now: string,
): readonly AccountEvent[] {
  const lot = lotOf(account, lotId);
  if (!lot) return [];
  if (isPastExpiry(lot, now)) return afterTerm(personId, holdId, lot, points, rules, now);
  if (!lot.reversal) return [];
  const { fundId, ownerId, claimId, measureId, batchId, dryRun } = lot;
  const ids = { personId, reversalId: lot.reversal.reversalId, lotId, fundId, ownerId, claimId, measureId };
  const { reasonPattern } = lot.reversal;
  return [{ type: 'GrantReversed', data: { ...ids, points, receivablePoints: 0, reasonPattern, batchId, dryRun } }];
}

function afterTerm(
  personId: string,
  holdId: string,
  lot: Lot,
  released: number,
  rules: AccountRules,
  now: string,
): readonly AccountEvent[] {
  const { lotId, expiresAt } = lot;
  if (rules.releaseGraceHours === 0 || lot.reversal || expiresAt === null) return expiredOf(lot, personId, now);
  const rest = lot.availablePoints - released;
  const until = isoTime(Date.parse(now) + rules.releaseGraceHours * 3_600_000);
  const extension = { personId, lotId, extensionId: holdId, previousExpiresAt: expiresAt, expiresAt: until };
  return [
    // What was not held had its whole term.
    ...(rest > 0 ? [{ type: 'PointsExpired' as const, data: expired(personId, lot, rest, expiresAt) }] : []),
    { type: 'LotExtended', data: extension },
  ];
}

function expiredOf(lot: Lot | undefined, personId: string, now: string): readonly AccountEvent[] {
  const event = lot && decideExpiry(personId, lot, now);
  return event ? [event] : [];
}

/** What a reversed grant had been spent on is owed. */
function receivableOf(reversed: DataOf<'GrantReversed'>): readonly AccountEvent[] {
  const { personId, reversalId, lotId, fundId, ownerId, receivablePoints: points, dryRun } = reversed;
  if (points === 0 || dryRun) return [];
  const receivableId = derivedId('receivable', reversalId);
  const data = { personId, receivableId, reversalId, lotId, fundId, ownerId, points };
  return [{ type: 'ReceivableRecorded', data }];
}
