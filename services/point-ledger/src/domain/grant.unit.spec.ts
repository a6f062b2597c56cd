import { emptyAccount, foldAccount } from './account.js';
import { granted, now, order, refused } from './builders.js';
import { decideGrant, type Funding } from './grant.js';

const elsewhere = (unleasedPoints: number, othersOpen = false) => ({ unleasedPoints, othersOpen });
const funding = (restPoints: number, more: Partial<Funding & { known: true }> = {}): Funding => ({
  known: true,
  ownerId: 'demo',
  dryRun: false,
  restPoints,
  elsewhere: undefined,
  ...more,
});
const decide = (account = emptyAccount, claim = order(), at: Funding = funding(1_000)) =>
  decideGrant(account, claim, at, 'lot', now);

describe('a claim', () => {
  it('is granted from a lease that covers it to the last yen', () => {
    expect(decide()).toEqual({ outcome: 'decided', event: granted() });
  });

  it('carries the owner of the fund and the expiry of the measure', () => {
    const claim = order({ pointsExpireAfterMonths: 1 });
    expect(decide(emptyAccount, claim, funding(1_000, { ownerId: 'city' }))).toMatchObject({
      event: { data: { ownerId: 'city', expiresAt: '2026-12-20T15:00:00.000Z' } },
    });
  });

  it('gives free points, usable at once and of no batch; the lot carries what the grant says', () => {
    expect(decide()).toMatchObject({ event: { data: { legalClass: 'free', usableFrom: null, batchId: null } } });
    const said = { legalClass: 'prepaid', usableFrom: now, batchId: 'batch' } as const;
    expect([...foldAccount([granted(said)]).lots]).toEqual([expect.objectContaining(said)]);
  });

  it('of a list is seen at once and can be used when the list says', () => {
    const claim = order({ usableAfterHours: 36, batchId: 'list' });
    expect(decide(emptyAccount, claim)).toEqual({
      outcome: 'decided',
      event: granted({ usableFrom: '2026-11-21T13:00:00.000Z', batchId: 'list' }),
    });
    expect(decide(emptyAccount, { ...claim, amountPoints: 0 })).toEqual({
      outcome: 'decided',
      event: refused({ reasonCode: 'amount_invalid', curable: false, batchId: 'list' }),
    });
  });

  it('of one point is granted', () => {
    expect(decide(emptyAccount, order({ amountPoints: 1 }))).toMatchObject({ event: { data: { amountPoints: 1 } } });
  });

  it.each([
    ['the lease was not enough and nobody looked further', funding(999)],
    ['another lease of the fund is open', funding(999, { elsewhere: elsewhere(0, true) })],
    ['own rest and unleased points are enough together', funding(400, { elsewhere: elsewhere(600) })],
  ])('waits while %s', (_, at) => {
    expect(decide(emptyAccount, order(), at)).toEqual({ outcome: 'waits' });
  });

  it.each([
    ['fund_exhausted', true, order(), funding(400, { elsewhere: elsewhere(599) })],
    ['fund_unknown', false, order(), { known: false } as Funding],
    ['fund_mismatch', false, order({ dryRun: true }), funding(1_000)],
    ['fund_mismatch', false, order(), funding(1_000, { dryRun: true })],
    ['amount_invalid', false, order({ amountPoints: 0 }), funding(1_000)],
  ])('is refused with %s (curable: %s)', (reasonCode, curable, claim, at) => {
    expect(decide(emptyAccount, claim, at)).toEqual({ outcome: 'decided', event: refused({ reasonCode, curable }) });
  });

  it('that was granted is never decided again, at any attempt', () => {
    const account = foldAccount([granted()]);
    expect(decide(account)).toEqual({ outcome: 'ignored' });
    expect(decide(account, order({ attempt: 2 }))).toEqual({ outcome: 'ignored' });
  });

  it('that was refused is decided again only when it was reopened', () => {
    const account = foldAccount([refused({ attempt: 2 })]);
    expect(decide(account, order({ attempt: 1 }))).toEqual({ outcome: 'ignored' });
    expect(decide(account, order({ attempt: 2 }))).toEqual({ outcome: 'ignored' });
    expect(decide(account, order({ attempt: 3 }))).toMatchObject({ event: { type: 'PointsGranted' } });
  });

  it('for a measure that another claim was granted is refused (I1)', () => {
    const decision = decide(foldAccount([granted()]), order({ claimId: 'other' }));
    const data = { reasonCode: 'already_granted', curable: false };
    expect(decision).toMatchObject({ event: { type: 'GrantRefused', data } });
  });
});
