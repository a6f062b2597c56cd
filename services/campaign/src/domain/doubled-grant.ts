/** Stream `mergedPerson-<personId>`: whom a person's id means, as identity published it. */
export type MergeEvent =
  | { readonly type: 'MergeNoted'; readonly data: Merge }
  | { readonly type: 'SplitNoted'; readonly data: Merge };

export interface Merge {
  readonly mergeId: string;
  readonly mergedPersonId: string;
  readonly keptPersonId: string;
}

/** Stream `doubledGrant-<claimId>`: one person was granted twice for a measure, and this is the claim too many. */
export type DoubledGrantEvent =
  | { readonly type: 'DoubledGrantFound'; readonly data: DoubledGrant }
  | {
      readonly type: 'DoubledGrantEnded';
      readonly data: { readonly claimId: string; readonly ended: 'reversed' | 'split' };
    };

/** Two grants of one measure to one person. Which of them is reversed the operator says: the ledger does it. */
export interface DoubledGrant {
  readonly claimId: string;
  readonly personId: string;
  readonly keptClaimId: string;
  readonly keptPersonId: string;
  readonly measureId: string;
  readonly campaignId: string;
  readonly amountPoints: number;
  /** Until when it should be reversed: I1. */
  readonly dueAt: string;
}

/** Days for reversing a grant that was made twice. */
export const reversalDays = 30;

export function mergedPersonStream(personId: string): string {
  return `mergedPerson-${personId}`;
}

export function doubledGrantStream(claimId: string): string {
  return `doubledGrant-${claimId}`;
}

/** What the last event leaves; undefined before the first. */
export function stateOfDoubledGrant(events: readonly DoubledGrantEvent[]): 'open' | 'reversed' | 'split' | undefined {
  const last = events.at(-1);
  if (!last) return undefined;
  return last.type === 'DoubledGrantFound' ? 'open' : last.data.ended;
}

/** The merge in force for an id; undefined where it stands for itself. */
export function mergeInForce(events: readonly MergeEvent[]): Merge | undefined {
  const last = events.at(-1);
  return last?.type === 'MergeNoted' ? last.data : undefined;
}
