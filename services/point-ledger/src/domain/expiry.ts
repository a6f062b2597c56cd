import { addMonths, endOfDay, isoTime, japanDayOf, startOfDay } from '@tsunagu/kernel';

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
