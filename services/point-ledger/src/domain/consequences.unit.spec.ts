import type { DataOf } from '@tsunagu/contracts';
import { idFromScope } from '@tsunagu/kernel';
import { type Account, type AccountEvent, foldAccount } from './account.js';
import { granted, now, personId, request } from './builders.js';
import { type AccountRules, consequenceId, withConsequences } from './consequences.js';
import { decideExpiry, decideExtension, type ExtensionRule } from './expiry.js';
import { decideHold, decideHoldEnd } from './hold.js';
import type { Lot } from './lot.js';
import { decideReversal, decideWriteOff } from './reversal.js';

const rules: AccountRules = { repayment: { sharePercent: 50, pointsMax: 5_000 }, releaseGraceHours: 0 };
const soon = '2026-11-20T02:00:00.000Z';
const later = '2026-11-20T03:00:00.000Z';
const id = idFromScope;
const reversalId = id('reversal');

const lot = (name: string, amountPoints: number, more: Partial<DataOf<'PointsGranted'>> = {}) =>
  granted({ lotId: id(name), claimId: name, measureId: name, amountPoints, ...more });

/** Plays on; gives what was recorded, as type and points. */
class Play {
  account: Account;
  constructor(...events: readonly AccountEvent[]) {
    this.account = foldAccount(events);
  }

  take(event: AccountEvent | undefined, at = now, more: Partial<AccountRules> = {}) {
    if (!event) return [];
    const decided = withConsequences(this.account, event, { ...rules, ...more }, at);
    this.account = decided.account;
    return decided.events.map(({ type, data }) => [type, 'points' in data ? data.points : undefined]);
  }

  hold(points: number, at = now) {
    const asked = request({ exchangeId: `exchange ${points}`, points });
    const decision = decideHold(this.account, asked, { holdId: id(`hold ${points}`) }, { now: at, askOwnerAt: at });
    return this.take(decision.outcome === 'decided' ? decision.event : undefined, at);
  }

  end(held: number, outcome: 'confirmed' | 'released', more: { credited?: number; at?: string; rules?: object } = {}) {
    const { credited, at = now } = more;
    const end = { exchangeId: `exchange ${held}`, personId, outcome, reasonCode: 'rejected' };
    const decision = decideHoldEnd(this.account, credited === undefined ? end : { ...end, points: credited }, at);
    if (decision.outcome === 'contradiction') return decision.detail;
    return this.take(decision.outcome === 'decided' ? decision.event : undefined, at, more.rules);
  }

  reverse(name: string, at = now) {
    const order = { reversalId, personId, lotId: id(name), reasonPattern: 'fraud' };
    const decision = decideReversal(this.account, order, at);
    return decision.outcome === 'decided' ? this.take(decision.event, at) : decision.outcome;
  }

  get lots() {
    return [...this.account.lots].map(({ availablePoints, heldPoints }) => [availablePoints, heldPoints]);
  }
}

const only = (play: Play) => play.account.lots.at(0) as Lot;

it('the id of a consequence is the same for the same cause, and another for another type, place or cause', () => {
  const first = consequenceId('PointsExpired', 1, reversalId);
  expect(consequenceId('PointsExpired', 1, reversalId)).toBe(first);
  const others = [
    consequenceId('LotExtended', 1, reversalId),
    consequenceId('PointsExpired', 2, reversalId),
    consequenceId('PointsExpired', 1, id('another')),
  ];
  expect(new Set([first, ...others]).size).toBe(4);
});

describe('a capture in part', () => {
  it('takes the first lots of the hold and releases the rest', () => {
    const play = new Play(lot('a', 300, { expiresAt: later }), lot('b', 300));
    play.hold(500);
    expect(play.end(500, 'confirmed', { credited: 350 })).toEqual([
      ['HoldCaptured', 350],
      ['HoldReleased', 150],
    ]);
    expect([...play.account.lots].map((each) => each.exchangedPoints)).toEqual([300, 50]);
    expect(play.lots).toEqual([
      [0, 0],
      [250, 0],
    ]);
    expect(play.end(500, 'confirmed', { credited: 350 })).toEqual([]);
    expect(play.end(500, 'released')).toContain('it was captured');
  });

  it('gives as the reason of its release that it was credited in part', () => {
    const { account } = new Play(lot('a', 500));
    const ids = { holdId: id('hold'), exchangeId: 'exchange', personId };
    const parts = (points: number) => [{ lotId: id('a'), fundId: 'fund', ownerId: 'demo', points }];
    const held = { ...ids, providerId: 'sim-pay', points: 500, lots: parts(500), askOwnerAt: now };
    const captured = { ...ids, providerId: 'sim-pay', points: 350, lots: parts(350) };
    const after = withConsequences(account, { type: 'PointsHeld', data: held }, rules, now).account;
    expect(withConsequences(after, { type: 'HoldCaptured', data: captured }, rules, now).events).toEqual([
      { type: 'HoldCaptured', data: captured },
      { type: 'HoldReleased', data: { ...ids, points: 150, lots: parts(150), reasonCode: 'credited_in_part' } },
    ]);
  });

  it.each([0, 501])('of %i points contradicts a hold of 500', (credited) => {
    const play = new Play(lot('a', 500));
    play.hold(500);
    expect(play.end(500, 'confirmed', { credited })).toContain(`held with 500 points, not ${credited}`);
    expect(play.lots).toEqual([[0, 500]]);
  });

  it('whole is no partial one', () => {
    const play = new Play(lot('a', 500));
    play.hold(500);
    expect(play.end(500, 'confirmed', { credited: 500 })).toEqual([['HoldCaptured', 500]]);
  });
});

describe('an embargoed lot', () => {
  const refusal = (account: Account, points: number) => {
    const decision = decideHold(account, request({ points }), { holdId: id('hold') }, { now, askOwnerAt: now });
    return decision.outcome === 'decided' && decision.event.type === 'HoldRefused' ? decision.event.data : undefined;
  };

  it('is refused by its own reason only where it would be enough later', () => {
    const { account } = new Play(lot('a', 100), lot('b', 200, { usableFrom: soon }));
    expect(refusal(account, 100)).toBeUndefined();
    expect(refusal(account, 300)).toMatchObject({ reasonCode: 'points_not_usable_yet', exchangeablePoints: 100 });
    expect(refusal(account, 301)).toMatchObject({ reasonCode: 'insufficient_points', exchangeablePoints: 100 });
  });

  it('of an owner without a contract is not promised for later', () => {
    const { account } = new Play(lot('b', 200, { usableFrom: soon, ownerId: 'city' }));
    expect(refusal(account, 100)).toMatchObject({ reasonCode: 'insufficient_points' });
  });

  it('can be used from the very moment', () => {
    const play = new Play(lot('b', 200, { usableFrom: soon }));
    expect(play.hold(200, soon)).toEqual([['PointsHeld', 200]]);
  });
});

describe('points whose term ends', () => {
  it('expire at the very moment, what is held waits', () => {
    const play = new Play(lot('a', 500, { expiresAt: soon }));
    play.hold(200);
    expect(decideExpiry(personId, only(play), now)).toBeUndefined();
    expect(play.take(decideExpiry(personId, only(play), soon), soon)).toEqual([['PointsExpired', 300]]);
    expect(decideExpiry(personId, only(play), later)).toBeUndefined();
    expect(play.end(200, 'released', { at: later })).toEqual([
      ['HoldReleased', 200],
      ['PointsExpired', 200],
    ]);
  });

  it('count when the hold is captured after all', () => {
    const play = new Play(lot('a', 500, { expiresAt: soon }));
    play.hold(200);
    expect(play.end(200, 'confirmed', { at: later })).toEqual([['HoldCaptured', 200]]);
  });

  it('have a grace after a failed exchange where the rule gives one, but not what was never held', () => {
    const play = new Play(lot('a', 500, { expiresAt: soon }));
    play.hold(200);
    expect(play.end(200, 'released', { at: later, rules: { releaseGraceHours: 2 } })).toEqual([
      ['HoldReleased', 200],
      ['PointsExpired', 300],
      ['LotExtended', undefined],
    ]);
    expect(only(play)).toMatchObject({ availablePoints: 200, expiresAt: '2026-11-20T05:00:00.000Z' });
  });

  it('that were all held have the grace, and nothing expires', () => {
    const play = new Play(lot('a', 200, { expiresAt: soon }));
    play.hold(200);
    expect(play.end(200, 'released', { at: later, rules: { releaseGraceHours: 2 } })).toEqual([
      ['HoldReleased', 200],
      ['LotExtended', undefined],
    ]);
  });
});

describe('an extension', () => {
  const rule: ExtensionRule = {
    extensionId: 'extension',
    ownerId: 'demo',
    campaignId: 'campaign',
    fundId: null,
    expiresFrom: soon,
    expiresBefore: later,
    newExpiresAt: '2026-12-20T00:00:00.000Z',
  };
  const extended = (more: Partial<DataOf<'PointsGranted'>>, change: Partial<ExtensionRule> = {}, at = now) =>
    decideExtension(personId, only(new Play(lot('a', 500, { expiresAt: soon, ...more }))), { ...rule, ...change }, at)
      ?.data;

  it('gives a lot in its range another end, once', () => {
    expect(extended({})).toMatchObject({ previousExpiresAt: soon, expiresAt: rule.newExpiresAt });
    expect(extended({ expiresAt: rule.newExpiresAt }, { expiresBefore: '2027-01-01T00:00:00.000Z' })).toBeUndefined();
  });

  it.each([
    ['any campaign and fund', { campaignId: null }],
    ['the lot’s own fund', { fundId: 'fund' }],
  ])('is for lots of %s where the rule says so', (_, change) => {
    expect(extended({}, change)).toMatchObject({ extensionId: 'extension', expiresAt: rule.newExpiresAt });
  });

  it('is for what a hold has of a lot too, but not for one that is spent or whose grant was taken back', () => {
    const play = new Play(lot('a', 500, { expiresAt: soon }));
    play.hold(250);
    const extend = () => decideExtension(personId, only(play), rule, now);
    expect(only(play)).toMatchObject({ availablePoints: 250, heldPoints: 250 });
    expect(extend()).toBeDefined();
    const reversed = new Play();
    reversed.account = play.account;
    reversed.reverse('a');
    expect(only(reversed)).toMatchObject({ heldPoints: 250 });
    expect(decideExtension(personId, only(reversed), rule, now)).toBeUndefined();
    play.end(250, 'confirmed');
    play.hold(249);
    play.end(249, 'confirmed');
    expect(extend()).toBeDefined();
    play.hold(1);
    play.end(1, 'confirmed');
    expect(extend()).toBeUndefined();
  });

  it.each([
    ['that never expires', { expiresAt: null }, {}, now],
    ['that ends before the range', { expiresAt: '2026-11-20T01:59:59.999Z' }, {}, now],
    ['that ends at the end of the range', { expiresAt: later }, {}, now],
    ['of another owner', { ownerId: 'city' }, {}, now],
    ['of another campaign', { campaignId: 'other' }, {}, now],
    ['of another fund', {}, { fundId: 'other' }, now],
    ['whose term is over', {}, {}, soon],
    ['that would end earlier', {}, { newExpiresAt: now }, now],
  ])('leaves a lot %s', (_, more, change, at) => {
    expect(extended(more, change, at)).toBeUndefined();
  });
});

describe('a reversal', () => {
  it('takes what is left and records as owed what was exchanged', () => {
    const play = new Play(lot('a', 500));
    play.hold(200);
    play.end(200, 'confirmed');
    expect(play.reverse('a')).toEqual([
      ['GrantReversed', 300],
      ['ReceivableRecorded', 200],
    ]);
    expect(play.reverse('a')).toBe('ignored');
    expect(play.reverse('unknown')).toBe('unknown_lot');
    // I1: the measure has had its grant.
    expect(play.account.measures.has('a')).toBe(true);
  });

  it('owes nothing for a trial or for what had expired, recorded or not', () => {
    expect(new Play(lot('a', 500, { dryRun: true })).reverse('a')).toEqual([['GrantReversed', 500]]);
    const play = new Play(lot('a', 500, { expiresAt: soon }));
    expect(play.reverse('a', soon)).toEqual([
      ['GrantReversed', 0],
      ['PointsExpired', 500],
    ]);
    expect(play.account.receivables.size).toBe(0);
  });

  it('waits for held points: a release takes them, a capture makes them owed', () => {
    for (const [outcome, follow] of [
      ['released', ['GrantReversed', 200]],
      ['confirmed', ['ReceivableRecorded', 200]],
    ] as const) {
      const play = new Play(lot('a', 500));
      play.hold(200);
      expect(play.reverse('a')).toEqual([['GrantReversed', 300]]);
      expect(play.end(200, outcome)).toEqual([[outcome === 'released' ? 'HoldReleased' : 'HoldCaptured', 200], follow]);
      expect(play.lots).toEqual([[0, 0]]);
    }
  });

  it('of a lot that had repaid another debt makes that part owed again', () => {
    const play = new Play(lot('a', 400));
    play.hold(400);
    play.end(400, 'confirmed');
    play.reverse('a');
    expect(play.take(lot('b', 1_000))).toEqual([
      ['PointsGranted', undefined],
      ['ReceivableRepaid', 400],
    ]);
    const decision = decideReversal(
      play.account,
      { reversalId: id('another'), personId, lotId: id('b'), reasonPattern: 'fraud' },
      now,
    );
    expect(decision).toMatchObject({ event: { data: { points: 600, receivablePoints: 400 } } });
  });
});

describe('what is owed', () => {
  const owing = (points: number) => {
    const play = new Play(lot('a', points));
    play.hold(points);
    play.end(points, 'confirmed');
    play.reverse('a');
    return play;
  };

  it.each([
    ['half of it, rounded down', 101, {}, [50]],
    ['at most the cap', 20_000, { repayment: { sharePercent: 50, pointsMax: 700 } }, [700]],
    ['nothing where the share is none', 1_000, { repayment: { sharePercent: 0, pointsMax: 5_000 } }, []],
    ['all of it where the share is all', 1_001, { repayment: { sharePercent: 100, pointsMax: 5_000 } }, [1_001]],
    ['no more than is open', 1_000_000, { repayment: { sharePercent: 100, pointsMax: 5_000 } }, [2_000]],
  ])('a later grant repays %s', (_, amount, more, repaid) => {
    const points = owing(2_000).take(lot('b', amount), now, more);
    expect(points.slice(1).map(([, each]) => each)).toEqual(repaid);
  });

  it('is not paid by another owner’s grant, nor by a trial', () => {
    const play = owing(2_000);
    expect(play.take(lot('b', 1_000, { ownerId: 'city' }))).toHaveLength(1);
    expect(play.take(lot('c', 1_000, { dryRun: true }))).toHaveLength(1);
  });

  it('is written off once, as far as it is open', () => {
    const play = owing(2_000);
    play.take(lot('b', 1_000));
    const order = { personId, receivableId: [...play.account.receivables.keys()][0] ?? '', reasonPattern: 'hardship' };
    expect(play.take(decideWriteOff(play.account, order))).toEqual([['ReceivableWrittenOff', 1_500]]);
    expect(decideWriteOff(play.account, order)).toBeUndefined();
    expect(decideWriteOff(play.account, { ...order, receivableId: 'unknown' })).toBeUndefined();
    expect(play.take(lot('c', 1_000))).toHaveLength(1);
  });

  it('cannot be paid or recorded twice, nor paid before it is recorded', () => {
    const play = owing(100);
    const [receivable] = play.account.receivables.values();
    if (!receivable) throw new Error('nothing is owed');
    const { points, openPoints: _, ...ids } = receivable;
    const again: AccountEvent = { type: 'ReceivableRecorded', data: { personId, ...ids, points } };
    expect(() => play.take(again)).toThrow('recorded twice');
    const off = (receivableId: string, more: number): AccountEvent => {
      const { lotId, fundId, ownerId } = ids;
      const data = { personId, receivableId, lotId, fundId, ownerId, points: more, reasonPattern: 'hardship' };
      return { type: 'ReceivableWrittenOff', data };
    };
    expect(() => play.take(off(ids.receivableId, points + 1))).toThrow();
    expect(() => play.take(off('unknown', 1))).toThrow('never recorded');
  });
});
