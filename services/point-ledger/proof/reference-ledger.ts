import { isoTime } from '@tsunagu/kernel';
import type { ExtensionRule } from '../src/domain/expiry.js';
import type { GrantOrder } from '../src/domain/grant.js';
import type { ExchangeEnd, HoldRequest } from '../src/domain/hold.js';

/** What another service or staff recorded and the ledger must answer, under the id of that event. */
export type Message =
  | { readonly kind: 'claim'; readonly id: string; readonly order: GrantOrder }
  | { readonly kind: 'request'; readonly id: string; readonly request: HoldRequest }
  | { readonly kind: 'end'; readonly id: string; readonly end: ExchangeEnd }
  /** The grants of these lots are taken back: of one lot, or of a batch, as far as it was granted when it was recalled. */
  | { readonly kind: 'reversal'; readonly id: string; readonly lots: readonly LotOf[]; readonly batchId: string | null }
  | { readonly kind: 'extension'; readonly id: string; readonly lots: readonly LotOf[]; readonly rule: ExtensionRule };

interface LotOf {
  readonly lotId: string;
  readonly personId: string;
}

/** What the ledger answers to a message: the event's type, and what of it counts. Nothing where it answers nothing. */
export interface Answer {
  readonly type: string;
  readonly reasonCode?: string;
  readonly parts?: readonly Part[];
  readonly owed?: number;
  readonly expiresAt?: string;
}

type Part = readonly [lotId: string, points: number];

export interface ReferenceLot {
  readonly personId: string;
  readonly ownerId: string;
  readonly fundId: string;
  readonly batchId: string | null;
  readonly dryRun: boolean;
  readonly grantedMs: number;
  readonly usableFromMs: number;
  expiresAt: string | null;
  available: number;
  held: number;
  /** Exchanged, or gone for a debt. */
  spent: number;
  reversed: boolean;
}

interface Debt {
  readonly lotId: string;
  readonly personId: string;
  readonly ownerId: string;
  open: number;
}

const HOUR_MS = 3_600_000;
/** Half of a grant at most repays debts, and never more than this. */
const REPAID_MAX = 5_000;

/**
 * The ledger as one would write it if nothing ever failed and nobody hurried: plain Maps, one thing at a time, a fund with
 * one number for what is left of it. No leases, no streams, no ids to recognise repetitions by, and none of the ledger's code.
 */
export class ReferenceLedger {
  readonly funds = new Map<string, { ownerId: string; dryRun: boolean; committed: number; left: number }>();
  readonly lots = new Map<string, ReferenceLot>();
  readonly claims = new Map<string, { attempt: number; granted: boolean; reasonCode: string }>();
  readonly exchanges = new Map<string, { state: string; parts: readonly Part[] }>();
  private readonly granted = new Set<string>();
  readonly debts: Debt[] = [];
  /** What must follow at once from the answer at hand, in this order, until the ledger has said so. */
  readonly consequences: Answer[] = [];

  commit(fundId: string, ownerId: string, dryRun: boolean, points: number): void {
    const fund = this.funds.get(fundId) ?? { ownerId, dryRun, committed: 0, left: 0 };
    this.funds.set(fundId, { ...fund, committed: fund.committed + points, left: fund.left + points });
  }

  /** `lotId` names the lot that it is about, if it is about one. */
  take(message: Message, lotId: string, nowMs: number): Answer | undefined {
    if (message.kind === 'claim') return this.claim(message.order, lotId, nowMs);
    if (message.kind === 'request') return this.request(message.request, nowMs);
    if (message.kind === 'end') return this.end(message.end, nowMs);
    const lot = this.lots.get(lotId);
    const isMeant = message.lots.some((one) => one.lotId === lotId);
    if (message.kind === 'extension') return lot && isMeant ? this.extend(lotId, lot, message.rule, nowMs) : undefined;
    return lot && (isMeant || lot.batchId === message.batchId) ? this.reverse(lotId, lot, nowMs) : undefined;
  }

  lotsOf(personId: string): [string, ReferenceLot][] {
    return [...this.lots].filter(([, lot]) => lot.personId === personId);
  }

  private claim(order: GrantOrder, lotId: string, nowMs: number): Answer | undefined {
    const before = this.claims.get(order.claimId);
    if (before && (before.granted || before.attempt >= order.attempt)) return undefined;
    const reasonCode = this.refusal(order);
    const { attempt, personId, measureId, amountPoints, dryRun, pointsExpireAt: expiresAt } = order;
    this.claims.set(order.claimId, { attempt, granted: reasonCode === '', reasonCode });
    if (reasonCode !== '') return { type: 'GrantRefused', reasonCode };
    const fund = this.funds.get(order.fundId) as { ownerId: string; left: number };
    fund.left -= amountPoints;
    this.granted.add(`${measureId}+${personId}`);
    const { fundId, batchId = null, usableAfterHours = 0 } = order;
    const terms = { personId, ownerId: fund.ownerId, fundId, batchId, expiresAt, dryRun };
    // Without an embargo points are usable at once, also for a process whose clock is behind.
    const usableFromMs = usableAfterHours === 0 ? Number.NEGATIVE_INFINITY : nowMs + usableAfterHours * HOUR_MS;
    this.lots.set(lotId, {
      ...terms,
      grantedMs: nowMs,
      usableFromMs,
      available: amountPoints,
      held: 0,
      spent: 0,
      reversed: false,
    });
    if (!dryRun) this.repay(lotId, Math.min(Math.floor(amountPoints / 2), REPAID_MAX));
    return { type: 'PointsGranted', parts: [[lotId, amountPoints]] };
  }

  private refusal({ measureId, personId, amountPoints, fundId, dryRun }: GrantOrder): string {
    const fund = this.funds.get(fundId);
    if (this.granted.has(`${measureId}+${personId}`)) return 'already_granted';
    if (amountPoints < 1) return 'amount_invalid';
    if (!fund) return 'fund_unknown';
    if (fund.dryRun !== dryRun) return 'fund_mismatch';
    return fund.left < amountPoints ? 'fund_exhausted' : '';
  }

  private request({ exchangeId, personId, points, payingOwnerIds }: HoldRequest, nowMs: number): Answer | undefined {
    if (this.exchanges.has(exchangeId)) return undefined;
    const good = this.lotsOf(personId)
      .filter(([, lot]) => !lot.dryRun && !lot.reversed && end(lot) > nowMs)
      .filter(([, lot]) => payingOwnerIds.includes(lot.ownerId));
    const usable = good
      .filter(([, lot]) => lot.usableFromMs <= nowMs)
      .sort(([, a], [, b]) => (end(a) === end(b) ? 0 : end(a) - end(b)));
    const parts: Part[] = [];
    let missing = points;
    for (const [lotId, lot] of usable) {
      const part = Math.min(missing, lot.available);
      if (part > 0) parts.push([lotId, part]);
      missing -= part;
    }
    if (missing > 0 || points < 1) {
      this.exchanges.set(exchangeId, { state: 'refused', parts: [] });
      const isThere = points >= 1 && points <= good.reduce((sum, [, lot]) => sum + lot.available, 0);
      return { type: 'HoldRefused', reasonCode: isThere ? 'points_not_usable_yet' : 'insufficient_points' };
    }
    this.move(parts, -1, 1);
    this.exchanges.set(exchangeId, { state: 'held', parts });
    return { type: 'PointsHeld', parts };
  }

  /** Points expire by the day's job: of what is held nothing. */
  expireByJob(lotId: string, nowMs: number): Answer | undefined {
    const lot = this.lots.get(lotId);
    if (lot) this.expire(lotId, lot, nowMs);
    return this.consequences.pop();
  }

  /** When what the job lets expire is gone: when its term ends, though not before it was granted. */
  gone(lotId: string): string {
    const lot = this.lots.get(lotId) as ReferenceLot;
    return isoTime(Math.max(end(lot), lot.grantedMs));
  }

  private end({ exchangeId, outcome, points }: ExchangeEnd, nowMs: number): Answer | undefined {
    const exchange = this.exchanges.get(exchangeId);
    if (!exchange && outcome === 'released') {
      this.exchanges.set(exchangeId, { state: 'refused', parts: [] });
      return { type: 'HoldRefused', reasonCode: 'exchange_ended' };
    }
    if (exchange?.state !== 'held') return undefined;
    const held = exchange.parts.reduce((sum, [, part]) => sum + part, 0);
    const spent = outcome === 'confirmed' ? (points ?? held) : 0;
    if (outcome === 'confirmed' && (spent < 1 || spent > held)) return undefined;
    const [taken, rest] = cut(exchange.parts, spent);
    const state = outcome === 'confirmed' ? 'captured' : 'released';
    this.exchanges.set(exchangeId, { state, parts: exchange.parts });
    if (state === 'captured' && rest.length > 0) this.consequences.push({ type: 'HoldReleased', parts: rest });
    this.move(taken, 0, -1);
    for (const [lotId, part] of taken) {
      const lot = this.lots.get(lotId) as ReferenceLot;
      lot.spent += part;
      if (lot.reversed) this.owe(lotId, lot, part);
    }
    this.giveBack(rest, nowMs);
    return state === 'captured' ? { type: 'HoldCaptured', parts: taken } : { type: 'HoldReleased', parts: rest };
  }

  private giveBack(parts: readonly Part[], nowMs: number): void {
    this.move(parts, 1, -1);
    for (const [lotId, points] of parts) {
      const lot = this.lots.get(lotId) as ReferenceLot;
      if (lot.reversed && end(lot) > nowMs) this.takeBack(lotId, lot, points);
      else this.expire(lotId, lot, nowMs);
    }
  }

  /** What is left of it at once, what was spent as a debt; what is held when its exchange has ended. */
  private reverse(lotId: string, lot: ReferenceLot, nowMs: number): Answer | undefined {
    if (lot.reversed) return undefined;
    const points = end(lot) > nowMs ? lot.available : 0;
    lot.available -= points;
    lot.reversed = true;
    if (lot.spent > 0 && !lot.dryRun) this.owe(lotId, lot, lot.spent);
    this.expire(lotId, lot, nowMs);
    return { type: 'GrantReversed', parts: [[lotId, points]], owed: lot.spent };
  }

  private extend(lotId: string, lot: ReferenceLot, rule: ExtensionRule, nowMs: number): Answer | undefined {
    const isOf = lot.ownerId === rule.ownerId && (rule.fundId ?? lot.fundId) === lot.fundId && !lot.reversed;
    const isIn = end(lot) >= Date.parse(rule.expiresFrom) && end(lot) < Date.parse(rule.expiresBefore);
    const isShort = end(lot) > nowMs && end(lot) < Date.parse(rule.newExpiresAt);
    if (!isOf || !isIn || !isShort || lot.available + lot.held === 0) return undefined;
    lot.expiresAt = rule.newExpiresAt;
    return { type: 'LotExtended', parts: [[lotId, 0]], expiresAt: lot.expiresAt };
  }

  /** The oldest debt first, and only what is owed to the one who pays for the grant. */
  private repay(lotId: string, pointsMax: number): void {
    const lot = this.lots.get(lotId) as ReferenceLot;
    let left = pointsMax;
    for (const debt of this.debts.filter(
      ({ personId, ownerId }) => personId === lot.personId && ownerId === lot.ownerId,
    )) {
      const points = Math.min(left, debt.open);
      if (points === 0) continue;
      left -= points;
      debt.open -= points;
      lot.available -= points;
      lot.spent += points;
      this.consequences.push({
        type: 'ReceivableRepaid',
        parts: [
          [debt.lotId, points],
          [lotId, points],
        ],
      });
    }
  }

  private owe(lotId: string, { personId, ownerId }: ReferenceLot, points: number): void {
    this.debts.push({ lotId, personId, ownerId, open: points });
    this.consequences.push({ type: 'ReceivableRecorded', parts: [[lotId, points]] });
  }

  private takeBack(lotId: string, lot: ReferenceLot, points: number): void {
    lot.available -= points;
    this.consequences.push({ type: 'GrantReversed', parts: [[lotId, points]], owed: 0 });
  }

  /** Points that come back past their term are gone at once, with what else is left of the lot. */
  private expire(lotId: string, lot: ReferenceLot, nowMs: number): void {
    if (end(lot) > nowMs || lot.available === 0) return;
    this.consequences.push({ type: 'PointsExpired', parts: [[lotId, lot.available]] });
    lot.available = 0;
  }

  private move(parts: readonly Part[], available: number, held: number): void {
    for (const [lotId, points] of parts) {
      const lot = this.lots.get(lotId) as ReferenceLot;
      lot.available += available * points;
      lot.held += held * points;
    }
  }
}

function end(lot: ReferenceLot): number {
  return lot.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(lot.expiresAt);
}

/** The first so many points of the parts, in their order, and the rest of them. */
function cut(parts: readonly Part[], points: number): [Part[], Part[]] {
  const [first, rest]: [Part[], Part[]] = [[], []];
  let left = points;
  for (const [lotId, part] of parts) {
    const taken = Math.min(left, part);
    if (taken > 0) first.push([lotId, taken]);
    if (part > taken) rest.push([lotId, part - taken]);
    left -= taken;
  }
  return [first, rest];
}
