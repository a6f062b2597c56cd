import { emptyAccount } from './account.js';
import { now, order } from './builders.js';
import { decideGrant } from './grant.js';
import { listCauseId, listClaimId, listOrder } from './list-order.js';

const listId = '019ab3f0-6c00-8000-8000-0000000000c7';
const otherListId = '019ab3f0-6c00-8000-8000-0000000000c8';
const release = {
  fundId: 'fund',
  dryRun: false,
  stageEnds: [1],
  embargoHours: 24,
  pointsExpireAt: '2027-03-31T15:00:00.000Z',
  pointsExpireAfterMonths: 6,
};
const terms = { listId, campaignId: 'campaign', measureId: 'measure', programmeId: 'default', release };

describe('a row of a list', () => {
  it('is ordered as a claim without answers would be, by the terms of the release and under the number of the list', () => {
    expect(listOrder(terms, { personId: 'anna', amountPoints: 5_000 }, 2)).toEqual(
      order({
        claimId: listClaimId(listId, 'anna'),
        personId: 'anna',
        amountPoints: 5_000,
        attempt: 2,
        answers: [],
        receiptNumber: listId,
        pointsExpireAt: release.pointsExpireAt,
        pointsExpireAfterMonths: 6,
        batchId: listId,
        usableAfterHours: 24,
      }),
    );
    const dryRun = { ...terms, release: { ...release, dryRun: true } };
    expect(listOrder(dryRun, { personId: 'anna', amountPoints: 1 }, 1).dryRun).toBe(true);
  });

  it('makes a lot of that list, which cannot be used before the embargo ends', () => {
    const row = listOrder(terms, { personId: 'anna', amountPoints: 5_000 }, 1);
    const funding = { known: true, ownerId: 'demo', dryRun: false, restPoints: 5_000, elsewhere: undefined } as const;
    expect(decideGrant(emptyAccount, row, funding, 'lot', now)).toMatchObject({
      outcome: 'decided',
      event: { data: { batchId: listId, amountPoints: 5_000, usableFrom: '2026-11-21T01:00:00.000Z' } },
    });
  });

  it('makes one claim for a list and person, and has one cause for each attempt', () => {
    const claims = [listClaimId(listId, 'anna'), listClaimId(listId, 'ben'), listClaimId(otherListId, 'anna')];
    const causes = [
      listCauseId(listId, 'anna', 1),
      listCauseId(listId, 'anna', 2),
      listCauseId(listId, 'ben', 1),
      listCauseId(otherListId, 'anna', 1),
    ];
    expect(new Set([...claims, ...causes]).size).toBe(7);
    expect(listClaimId(listId, 'anna')).toBe(claims[0]);
    expect(listCauseId(listId, 'anna', 1)).toBe(causes[0]);
  });
});
