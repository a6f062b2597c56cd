import { foldAccount } from './account.js';
import { granted, now } from './builders.js';
import { type ComparisonTotals, comparisonTotals, type RowStanding, standingOf } from './list-comparison.js';

const since = '2026-05-20T15:00:00.000Z';
const earlier = '2026-05-20T14:59:59.999Z';
const later = '2026-11-01T00:00:00.000Z';
const comparing = { listId: 'this list', measureId: 'measure', since };

type Grant = Parameters<typeof granted>[0];
/** Grants for other measures, by claim, unless they say something else. */
const standing = (...grants: readonly Grant[]) =>
  standingOf(
    foldAccount(
      grants.map((grant, index) =>
        granted({ claimId: `${index}`, lotId: `${index}`, measureId: `other ${index}`, grantedAt: later, ...grant }),
      ),
    ),
    comparing,
  );
const past = [{ fundId: 'fund', points: 1_000 }];

describe('what the person of a row was granted before', () => {
  it.each<[string, readonly Grant[], RowStanding]>([
    ['nothing', [], { kind: 'fresh', otherListId: null, grantedAt: null, past: [] }],
    ['another measure, by a claim', [{}], { kind: 'fresh', otherListId: null, grantedAt: null, past }],
    [
      'the measure, by a claim, and another one after it',
      [{ measureId: 'measure' }, { batchId: 'list', grantedAt: now }],
      { kind: 'same_measure', otherListId: null, grantedAt: later, past: [...past, ...past] },
    ],
    [
      'the measure, by this very list',
      [{ measureId: 'measure', batchId: 'this list' }],
      { kind: 'same_measure', otherListId: null, grantedAt: later, past },
    ],
    [
      'the measure, by another list, however long ago',
      [{ batchId: 'list of another measure' }, { measureId: 'measure', batchId: 'list', grantedAt: earlier }],
      { kind: 'same_measure', otherListId: 'list', grantedAt: earlier, past },
    ],
    [
      'another measure, by another list, at the first instant that counts',
      [{ batchId: 'list', grantedAt: since }],
      { kind: 'other_list', otherListId: 'list', grantedAt: since, past },
    ],
    [
      'by two other lists, of which the last is named, and by a claim after them',
      [{ batchId: 'first' }, { batchId: 'second', fundId: 'fund 2', amountPoints: 5, grantedAt: since }, {}],
      {
        kind: 'other_list',
        otherListId: 'second',
        grantedAt: since,
        past: [...past, { fundId: 'fund 2', points: 5 }, ...past],
      },
    ],
    [
      'by another list, too long ago',
      [{ batchId: 'list', grantedAt: earlier }],
      { kind: 'fresh', otherListId: null, grantedAt: null, past: [] },
    ],
    [
      'another measure, by this very list',
      [{ batchId: 'this list' }],
      { kind: 'fresh', otherListId: null, grantedAt: null, past },
    ],
  ])('%s', (_, grants, expected) => {
    expect(standing(...grants)).toEqual(expected);
  });

  it('a measure counts for ever, even where its lot is not known', () => {
    const account = { lots: [], measures: new Map([['measure', 'claim']]) };
    expect(standingOf(account, comparing)).toEqual({
      kind: 'same_measure',
      otherListId: null,
      grantedAt: null,
      past: [],
    });
  });
});

describe('the totals of a comparison', () => {
  const of = (kind: RowStanding['kind'], ...funds: readonly [string, number][]): RowStanding => ({
    kind,
    otherListId: null,
    grantedAt: null,
    past: funds.map(([fundId, points]) => ({ fundId, points })),
  });

  it('are zero without rows', () => {
    const none = { persons: 0, points: 0 };
    const expected = { fresh: none, sameMeasure: none, otherList: none, pastByFund: [], neededPoints: 0 };
    expect(comparisonTotals().totals()).toEqual(expected);
  });

  it('count persons and points by kind, need points for all but the same measure, and a person once a fund', () => {
    const totals = comparisonTotals();
    totals.add(10, of('fresh'));
    totals.add(20, of('fresh', ['c', 1], ['a', 2], ['c', 4]));
    totals.add(100, of('same_measure', ['b', 8], ['c', 16]));
    totals.add(1_000, of('other_list', ['b', 32]));
    expect(totals.totals()).toEqual({
      fresh: { persons: 2, points: 30 },
      sameMeasure: { persons: 1, points: 100 },
      otherList: { persons: 1, points: 1_000 },
      pastByFund: [
        { fundId: 'a', persons: 1, points: 2 },
        { fundId: 'b', persons: 2, points: 40 },
        { fundId: 'c', persons: 2, points: 21 },
      ],
      neededPoints: 1_030,
    } satisfies ComparisonTotals);
  });
});
