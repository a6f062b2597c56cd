import { addMonths, endOfDay, isoTime, japanDayOf } from '@tsunagu/kernel';

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
  const day = addMonths(japanDayOf(Date.parse(grantedAt)), order.pointsExpireAfterMonths);
  return isoTime(endOfDay(day));
}
