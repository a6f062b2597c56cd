import type { GrantOrder } from '../src/domain/grant.js';
import type { ExchangeEnd, HoldRequest } from '../src/domain/hold.js';

/** What another service recorded and the ledger must answer, under the id of that event. */
export type Message =
  | { readonly kind: 'claim'; readonly id: string; readonly order: GrantOrder }
  | { readonly kind: 'request'; readonly id: string; readonly request: HoldRequest }
  | { readonly kind: 'end'; readonly id: string; readonly end: ExchangeEnd };

/** What the ledger answers to a message: the event's type, and what of it counts. Nothing where it answers nothing. */
export interface Answer {
  readonly type: string;
  readonly reasonCode?: string;
  readonly parts?: readonly Part[];
}

type Part = readonly [lotId: string, points: number];

export interface ReferenceLot {
  readonly personId: string;
  readonly ownerId: string;
  readonly expiresAt: string | null;
  readonly dryRun: boolean;
  available: number;
  held: number;
}

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
  /** What a release past a lot's term let expire, until the ledger has said so. */
  readonly expired: Part[] = [];

  commit(fundId: string, ownerId: string, dryRun: boolean, points: number): void {
    const fund = this.funds.get(fundId) ?? { ownerId, dryRun, committed: 0, left: 0 };
    this.funds.set(fundId, { ...fund, committed: fund.committed + points, left: fund.left + points });
  }

  /** `lotId` names the lot if there will be one. */
  take(message: Message, lotId: string, nowMs: number): Answer | undefined {
    if (message.kind === 'claim') return this.claim(message.order, lotId);
    if (message.kind === 'request') return this.request(message.request, nowMs);
    return this.end(message.end, nowMs);
  }

  lotsOf(personId: string): [string, ReferenceLot][] {
    return [...this.lots].filter(([, lot]) => lot.personId === personId);
  }

  private claim(order: GrantOrder, lotId: string): Answer | undefined {
    const before = this.claims.get(order.claimId);
    if (before && (before.granted || before.attempt >= order.attempt)) return undefined;
    const reasonCode = this.refusal(order);
    const { attempt, personId, measureId, amountPoints, dryRun, pointsExpireAt: expiresAt } = order;
    this.claims.set(order.claimId, { attempt, granted: reasonCode === '', reasonCode });
    if (reasonCode !== '') return { type: 'GrantRefused', reasonCode };
    const fund = this.funds.get(order.fundId) as { ownerId: string; left: number };
    fund.left -= amountPoints;
    this.granted.add(`${measureId}+${personId}`);
    this.lots.set(lotId, { personId, ownerId: fund.ownerId, expiresAt, dryRun, available: amountPoints, held: 0 });
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
    const usable = this.lotsOf(personId)
      .filter(([, lot]) => !lot.dryRun && lot.available > 0 && end(lot) > nowMs && payingOwnerIds.includes(lot.ownerId))
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
      return { type: 'HoldRefused', reasonCode: 'insufficient_points' };
    }
    this.move(parts, -1, 1);
    this.exchanges.set(exchangeId, { state: 'held', parts });
    return { type: 'PointsHeld', parts };
  }

  private end({ exchangeId, outcome }: ExchangeEnd, nowMs: number): Answer | undefined {
    const exchange = this.exchanges.get(exchangeId);
    if (!exchange && outcome === 'released') {
      this.exchanges.set(exchangeId, { state: 'refused', parts: [] });
      return { type: 'HoldRefused', reasonCode: 'exchange_ended' };
    }
    if (exchange?.state !== 'held') return undefined;
    const state = outcome === 'confirmed' ? 'captured' : 'released';
    this.move(exchange.parts, state === 'released' ? 1 : 0, -1);
    if (state === 'released') for (const [lotId] of exchange.parts) this.expire(lotId, nowMs);
    this.exchanges.set(exchangeId, { state, parts: exchange.parts });
    return { type: state === 'captured' ? 'HoldCaptured' : 'HoldReleased', parts: exchange.parts };
  }

  /** Points that come back past their term are gone at once, with what else is left of the lot. */
  private expire(lotId: string, nowMs: number): void {
    const lot = this.lots.get(lotId) as ReferenceLot;
    if (end(lot) > nowMs || lot.available === 0) return;
    this.expired.push([lotId, lot.available]);
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
