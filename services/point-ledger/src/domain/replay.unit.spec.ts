import { type AccountEvent, emptyAccount } from './account.js';
import { granted, now, order, refused } from './builders.js';
import type { FundEvent } from './fund.js';
import type { LeaseEvent } from './lease.js';
import { leasesOf, type ReplayedEvent, replayDecision, replayGrant, streamsOfGrant } from './replay.js';

type Fact = AccountEvent | FundEvent | LeaseEvent;

const terms = { ownerId: 'demo', name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
const committed: FundEvent = { type: 'FundCommitted', data: { fundId: 'fund', ...terms, amountPoints: 5_000 } };
const leased = (leaseId: string, more: { points?: number; log?: number } = {}): FundEvent => ({
  type: 'FundLeased',
  data: { fundId: 'fund', leaseId, slot: 0, points: 2_500, ...more },
});
const opened = (leaseId: string, points = 2_500): LeaseEvent => ({
  type: 'LeaseOpened',
  data: { leaseId, fundId: 'fund', slot: 0, points },
});
const drawn = (leaseId: string, points: number): LeaseEvent => ({
  type: 'FundDrawn',
  data: { leaseId, fundId: 'fund', points, grants: 1 },
});

const at = (revision: number, requestId: string, fact: Fact, reads?: Record<string, number>): ReplayedEvent => ({
  ...fact,
  revision,
  requestId,
  effectiveAt: now,
  ...(reads && { reads }),
});

/** A stream of facts, each of a request of its own unless one is named. */
const stream = (...facts: readonly (Fact | readonly [requestId: string, Fact])[]): readonly ReplayedEvent[] =>
  facts.map((each, revision) => ('type' in each ? at(revision, `other ${revision}`, each) : at(revision, ...each)));

const known = { known: true, ownerId: 'demo', dryRun: false };
const earlier = granted({ claimId: 'earlier', measureId: 'earlier', lotId: 'earlier' });

describe('a grant that is decided again', () => {
  const grant = at(1, 'request', granted());
  const leaseA = stream(opened('a'), drawn('a', 700), ['request', drawn('a', 1_000)], drawn('a', 100));
  const streams = new Map([
    ['account-person', stream(earlier, ['request', granted()])],
    ['fund-fund', stream(committed, leased('b'), leased('a'))],
    ['fundLease-b', stream(opened('b'), drawn('b', 2_400))],
    ['fundLease-a', leaseA],
  ]);
  const replayed = (more: Iterable<readonly [string, readonly ReplayedEvent[]]> = [], recorded = grant) =>
    replayGrant(order(), recorded, new Map([...streams, ...more]));

  it('is the same, from the account before it and the lease before its draw', () => {
    const { decided, same, funding } = replayed();
    expect(decided).toEqual(granted());
    expect(same).toBe(true);
    expect(funding).toEqual({ ...known, restPoints: 1_800, elsewhere: undefined });
  });

  it('is the same in whatever order its members were kept', () => {
    const members = Object.entries(granted().data);
    for (const kept of [members.toReversed(), members.toSorted(), members.toSorted().toReversed()])
      expect(replayed([], { ...grant, data: Object.fromEntries(kept) }).same).toBe(true);
  });

  it.each([
    ['another amount', { amountPoints: 999 }],
    ['another owner', { ownerId: 'other' }],
    ['a term', { expiresAt: now }],
    ['a member more', { note: 'none' }],
  ])('is told where the log says %s', (_, forged) => {
    const { decided, same } = replayed([], { ...grant, data: { ...granted().data, ...forged } });
    expect(decided).toEqual(granted());
    expect(same).toBe(false);
  });

  it.each<[string, readonly ReplayedEvent[]]>([
    ['no draw', stream(opened('a'), drawn('a', 700))],
    ['too little left before its draw', stream(opened('a'), drawn('a', 1_600), ['request', drawn('a', 1_000)])],
    ['a draw before the lease began', stream(['request', drawn('a', 1_000)])],
  ])('is told where there was %s', (_, lease) => {
    expect(replayed([['fundLease-a', lease]])).toMatchObject({ decided: undefined, same: false });
  });

  it('has its draw on a stream of a lease alone', () => {
    const elsewhere = [opened('a'), ['request', drawn('a', 1_000)]] as const;
    for (const name of ['account-other', 'copy of fundLease-'])
      expect(
        replayed([
          ['fundLease-a', []],
          [name, stream(...elsewhere)],
        ]).decided,
      ).toBeUndefined();
  });

  it('finds its draw among all else of its request', () => {
    const lease = stream(['request', opened('a')], ['request', drawn('a', 1_000)]);
    expect(replayed([['fundLease-a', lease]])).toMatchObject({ same: true, funding: { restPoints: 2_500 } });
  });
});

describe('a refusal that is decided again', () => {
  const exhausted = refused({ reasonCode: 'fund_exhausted', curable: true });
  const reads = { 'fund-fund': 1, 'fundLease-a': 1 };
  const streams = new Map([
    ['account-person', stream(exhausted)],
    ['fund-fund', stream(committed, leased('a', { points: 4_500 }), committed)],
    ['fundLease-a', stream(opened('a', 4_500), drawn('a', 4_100), drawn('a', 300))],
  ]);

  it('is the same, from the fund and the lease as they were read and not as they became', () => {
    const replay = replayGrant(order(), at(0, 'request', exhausted, reads), streams);
    const funding = { ...known, restPoints: 400, elsewhere: { unleasedPoints: 500, othersOpen: false } };
    expect(replay).toEqual({ decided: exhausted, same: true, funding });
  });

  it('is told where there was enough, and the grant that is due names no lot', () => {
    const recorded = at(0, 'request', exhausted, { ...reads, 'fundLease-a': 0 });
    const { decided, same } = replayGrant(order(), recorded, streams);
    expect(decided).toEqual(granted({ lotId: '' }));
    expect(same).toBe(false);
  });

  const allLeased = ['fund-fund', stream(committed, leased('a', { points: 4_500 }))] as const;

  it('is told where it read no lease while one was out: it had to wait', () => {
    const replay = replayGrant(order(), at(0, 'request', exhausted, { 'fund-fund': 1 }), new Map([allLeased]));
    expect(replay).toMatchObject({ decided: undefined, same: false });
    expect(replay.funding).toMatchObject({ restPoints: 0, elsewhere: { othersOpen: true } });
  });

  it('has nothing of its own from a lease whose stream is lost', () => {
    const replay = replayGrant(order(), at(0, 'request', exhausted, reads), new Map([allLeased]));
    expect(replay).toMatchObject({ same: true, funding: { restPoints: 0, elsewhere: { othersOpen: false } } });
  });

  it('is the same for a fund that nobody knows, with no stream at hand', () => {
    const unknown = refused({ reasonCode: 'fund_unknown', curable: false });
    expect(replayGrant(order(), at(0, 'request', unknown), new Map())).toEqual({
      decided: unknown,
      same: true,
      funding: { known: false },
    });
  });

  it('is the same for a measure that the account had', () => {
    const again = refused({ claimId: 'again', reasonCode: 'already_granted', curable: false });
    const account = new Map([['account-person', stream(granted(), again)]]);
    expect(replayGrant(order({ claimId: 'again' }), at(1, 'request', again), account).same).toBe(true);
  });
});

it('a decision that was made before it, or that goes by another name, is told', () => {
  const funding = { known: true, ownerId: 'demo', dryRun: false, restPoints: 1_000, elsewhere: undefined } as const;
  const before = { ...emptyAccount, claims: emptyAccount.claims.with('claim', { attempt: 1, granted: true }) };
  const recorded = { ...granted(), effectiveAt: now };
  expect(replayDecision(emptyAccount, order(), recorded, funding)).toMatchObject({ same: true, funding });
  expect(replayDecision(before, order(), recorded, funding)).toMatchObject({ decided: undefined, same: false });
  const renamed = { ...recorded, type: 'GrantRefused' };
  expect(replayDecision(emptyAccount, order(), renamed, funding).same).toBe(false);
});

it('a decision is replayed from the account, its fund, what it read and the leases of the fund', () => {
  expect(streamsOfGrant(order(), at(0, 'request', granted()))).toEqual(['account-person', 'fund-fund']);
  const read = at(0, 'request', refused(), { 'fund-fund': 1, 'fundLease-a': 4 });
  expect(streamsOfGrant(order(), read)).toEqual(['account-person', 'fund-fund', 'fund-fund', 'fundLease-a']);
  const returned: FundEvent = { type: 'FundReturned', data: { fundId: 'fund', leaseId: 'a', points: 1 } };
  expect(leasesOf(stream(committed, leased('a'), leased('b', { log: 2 }), returned))).toEqual([
    'fundLease-a',
    'fundLease-2+b',
  ]);
});
