/** Attempts that fail one after another, about a day of them; then a webhook is stalled, until staff set it again. */
export const failuresMax = 36;
const waitMaxMs = 3_600_000;

/** Pause after so many failures in a row: a second, doubling up to an hour. */
export function waitMs(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), waitMaxMs);
}

export const deliveryStates = ['current', 'delivering', 'retrying', 'stalled'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export function deliveryState(failures: number, undelivered: number): DeliveryState {
  if (failures >= failuresMax) return 'stalled';
  if (failures > 0) return 'retrying';
  return undelivered > 0 ? 'delivering' : 'current';
}

/** Where a service is told from: what ended before its feed or its webhook was switched on is not delivered. */
export function toldSince(feed: { readonly since: string }, webhook: { readonly since: string }): string {
  const isFeedLater = feed.since > webhook.since;
  return isFeedLater ? feed.since : webhook.since;
}
