import type { DataOf } from '@tsunagu/contracts';
import { addMonths, endOfDay, isoTime, japanDayOf, startOfDay } from '@tsunagu/kernel';
import { isPastExpiry, type Lot } from './lot.js';

/**
 * When points granted now end: at a fixed time, or at the end of the day in Japan that lies so many months later (the
 * last day of a shorter month), or never.
 */
export function expiryOf(
  order: { readonly pointsExpireAt: string | null; readonly pointsExpireAfterMonths: number | null },
  grantedAt: string,
): string | null {
  if (order.pointsExpireAt !== null) return isoTime(Date.parse(order.pointsExpireAt));
  if (order.pointsExpireAfterMonths === null) return null;
  return endAfterMonths(Date.parse(grantedAt), order.pointsExpireAfterMonths);
}

let last:
  | { readonly fromMs: number; readonly untilMs: number; readonly months: number; readonly end: string }
  | undefined;

/** A launch asks for the same day and months a million times: the last answer is kept. */
function endAfterMonths(ms: number, months: number): string {
  if (last && last.months === months && ms >= last.fromMs && ms < last.untilMs) return last.end;
  const day = japanDayOf(ms);
  const end = isoTime(endOfDay(addMonths(day, months)));
  last = { fromMs: startOfDay(day), untilMs: endOfDay(day), months, end };
  return end;
}

/** Records that what is left of a lot past its term is gone. Held points stay: their owner's outcome decides first. */
export function decideExpiry(
  personId: string,
  lot: Lot,
  now: string,
): { readonly type: 'PointsExpired'; readonly data: DataOf<'PointsExpired'> } | undefined {
  if (lot.availablePoints === 0 || lot.expiresAt === null || !isPastExpiry(lot, now)) return undefined;
  return { type: 'PointsExpired', data: expired(personId, lot, lot.availablePoints, lot.expiresAt) };
}

export function expired(personId: string, lot: Lot, points: number, expiresAt: string): DataOf<'PointsExpired'> {
  const { lotId, fundId, ownerId, campaignId, dryRun } = lot;
  return { personId, lotId, fundId, ownerId, campaignId, points, expiresAt, dryRun };
}

/** An approved extension: which lots it is for, and until when they last now. */
export interface ExtensionRule {
  readonly extensionId: string;
  /** Lots of this owner only, of this campaign or of this fund where one is named. */
  readonly ownerId: string;
  readonly campaignId: string | null;
  readonly fundId: string | null;
  /** Lots whose term ends in this time, the first moment included and the last not. */
  readonly expiresFrom: string;
  readonly expiresBefore: string;
  readonly newExpiresAt: string;
}

/** Extends a lot that the rule is for. Undefined for any other, and for one whose term has passed: it is gone. */
export function decideExtension(
  personId: string,
  lot: Lot,
  rule: ExtensionRule,
  now: string,
): { readonly type: 'LotExtended'; readonly data: DataOf<'LotExtended'> } | undefined {
  if (lot.ownerId !== rule.ownerId || lot.expiresAt === null || isPastExpiry(lot, now)) return undefined;
  if (rule.campaignId !== null && rule.campaignId !== lot.campaignId) return undefined;
  if (rule.fundId !== null && rule.fundId !== lot.fundId) return undefined;
  if (lot.availablePoints + lot.heldPoints === 0 || lot.reversal) return undefined;
  const [ends, from, before, until] = [lot.expiresAt, rule.expiresFrom, rule.expiresBefore, rule.newExpiresAt].map(
    Date.parse,
  ) as [number, number, number, number];
  if (ends < from || ends >= before || ends >= until) return undefined;
  const { lotId, expiresAt: previousExpiresAt } = lot;
  const { extensionId, newExpiresAt: expiresAt } = rule;
  return { type: 'LotExtended', data: { personId, lotId, extensionId, previousExpiresAt, expiresAt } };
}
