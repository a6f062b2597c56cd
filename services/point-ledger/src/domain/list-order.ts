import { derivedId } from '@tsunagu/kernel';
import type { GrantOrder } from './grant.js';
import type { ListRelease } from './list-grant.js';

/** What a list's grants have in common. */
export interface ListTerms {
  readonly listId: string;
  readonly campaignId: string;
  readonly measureId: string;
  readonly programmeId: string;
  readonly release: ListRelease;
}

/** The claim that a list makes for a person: the same at every run, so that nobody is granted twice. */
export function listClaimId(listId: string, personId: string): string {
  return derivedId(`list claim ${personId}`, listId);
}

/** What stands for the event that asks for a grant: the grant's own id follows from it. */
export function listCauseId(listId: string, personId: string, attempt: number): string {
  return derivedId(`list row ${attempt} ${personId}`, listId);
}

/** A row of a list as the ledger's ordinary grant decides it. */
export function listOrder(
  { listId, campaignId, measureId, programmeId, release }: ListTerms,
  row: { readonly personId: string; readonly amountPoints: number },
  attempt: number,
): GrantOrder {
  return {
    claimId: listClaimId(listId, row.personId),
    personId: row.personId,
    campaignId,
    measureId,
    programmeId,
    fundId: release.fundId,
    amountPoints: row.amountPoints,
    ruleVersion: 1,
    attempt,
    dryRun: release.dryRun,
    pointsExpireAt: release.pointsExpireAt,
    pointsExpireAfterMonths: release.pointsExpireAfterMonths,
    answers: [],
    receiptNumber: listId,
    batchId: listId,
    usableAfterHours: release.embargoHours,
  };
}
