import fc from 'fast-check';
import { type Account, type AccountEvent, emptyAccount, evolveAccount, foldAccount } from './account.js';
import { granted, now, personId, refused, request } from './builders.js';
import { decideHold, decideHoldEnd, embargoedLots, exchangeableLots, type HoldDecision, usableNow } from './hold.js';

const times = { now, askOwnerAt: '2026-11-20T02:00:00.000Z' };
const hold = (account: Account, more: Parameters<typeof request>[0] = {}) =>
  decideHold(account, request(more), { holdId: 'hold' }, times);
const end = (account: Account, outcome: 'confirmed' | 'released', exchangeId = 'exchange') =>
  decideHoldEnd(account, { exchangeId, personId, outcome, reasonCode: 'rejected' }, now);
const lot = (lotId: string, amountPoints: number, more: Parameters<typeof granted>[0] = {}) =>
  granted({ lotId, claimId: lotId, measureId: lotId, amountPoints, ...more });

function after(account: Account, decision: HoldDecision): Account {
  if (decision.outcome !== 'decided') throw new Error(`nothing was decided: ${decision.outcome}`);
  return evolveAccount(account, decision.event);
}

describe('a hold', () => {
  it('takes what expires first, what never expires last, and the older of equals first', () => {
    const account = foldAccount([
      lot('never', 100),
      lot('late', 100, { expiresAt: '2027-12-31T15:00:00.000Z' }),
      lot('early 1', 100, { expiresAt: '2026-12-31T15:00:00.000Z' }),
      lot('early 2', 100, { expiresAt: '2026-12-31T15:00:00.000Z' }),
    ]);
    expect(hold(account, { points: 350 })).toMatchObject({
      event: {
        type: 'PointsHeld',
        data: {
          lots: [
            { lotId: 'early 1', points: 100 },
            { lotId: 'early 2', points: 100 },
            { lotId: 'late', points: 100 },
            { lotId: 'never', points: 50 },
          ],
          askOwnerAt: times.askOwnerAt,
        },
      },
    });
  });

  it('never takes dry-run lots, expired lots, or lots of an owner without a contract', () => {
    const account = foldAccount([
      lot('dry', 100, { dryRun: true }),
      lot('expired', 100, { expiresAt: now }),
      lot('foreign', 100, { ownerId: 'city' }),
      lot('good', 100),
    ]);
    expect(hold(account, { points: 101 })).toMatchObject({
      event: { type: 'HoldRefused', data: { reasonCode: 'insufficient_points', exchangeablePoints: 100, points: 101 } },
    });
    expect(hold(account, { points: 100 })).toMatchObject({ event: { data: { lots: [{ lotId: 'good' }] } } });
  });

  it('is made once for an exchange', () => {
    const account = after(foldAccount([lot('a', 500)]), hold(foldAccount([lot('a', 500)])));
    expect(hold(account)).toEqual({ outcome: 'ignored' });
    expect(hold(after(account, end(account, 'released')))).toEqual({ outcome: 'ignored' });
  });

  it('of one point is made, of none is refused', () => {
    const account = foldAccount([lot('a', 500)]);
    expect(hold(account, { points: 1 })).toMatchObject({ event: { data: { lots: [{ lotId: 'a', points: 1 }] } } });
    expect(hold(account, { points: 0 })).toMatchObject({ event: { type: 'HoldRefused' } });
  });

  it.each([
    [1, 'points_not_usable_yet'],
    [0, 'insufficient_points'],
  ])('of %i points, where all are usable later only, is refused as %s', (points, reasonCode) => {
    const account = foldAccount([lot('later', 500, { usableFrom: times.askOwnerAt })]);
    expect(hold(account, { points })).toMatchObject({ event: { data: { reasonCode, exchangeablePoints: 0 } } });
  });
});

describe('the end of an exchange', () => {
  const held = after(foldAccount([lot('a', 500)]), hold(foldAccount([lot('a', 500)])));
  const captured = after(held, end(held, 'confirmed'));
  const released = after(held, end(held, 'released'));
  const unseen = after(emptyAccount, end(emptyAccount, 'released'));

  it('captures or releases the lots that were held', () => {
    expect([...captured.lots]).toMatchObject([{ availablePoints: 400, heldPoints: 0 }]);
    expect([...released.lots]).toMatchObject([{ availablePoints: 500, heldPoints: 0 }]);
  });

  it('that comes again changes nothing', () => {
    expect(end(captured, 'confirmed')).toEqual({ outcome: 'ignored' });
    expect(end(released, 'released')).toEqual({ outcome: 'ignored' });
    expect(end(unseen, 'released')).toEqual({ outcome: 'ignored' });
  });

  it('before its request is recorded, so that the request is not held later', () => {
    expect(hold(foldAccount([lot('a', 500)]))).toMatchObject({ event: { type: 'PointsHeld' } });
    expect(hold(unseen)).toEqual({ outcome: 'ignored' });
  });

  it.each([
    ['confirmed after a release', released, 'confirmed', 'released'],
    ['released after a capture', captured, 'released', 'captured'],
    ['confirmed without a hold', emptyAccount, 'confirmed', 'never held'],
    ['confirmed after a refusal', unseen, 'confirmed', 'refused'],
  ] as const)('%s is a contradiction that says so, and writes nothing', (_, account, outcome, state) => {
    const detail = `exchange exchange was ${outcome}, but here it was ${state}`;
    expect(end(account, outcome)).toEqual({ outcome: 'contradiction', detail });
  });
});

/** A second, naive bookkeeping beside the fold: what each lot was granted, holds and has lost. */
class NaiveAccount {
  readonly lots = new Map<string, { granted: number; held: number; gone: number; order: number; expiry: number }>();
  readonly holds = new Map<string, readonly { lotId: string; points: number }[]>();

  available(lotId: string): number {
    const { granted, held, gone } = this.lots.get(lotId) ?? { granted: 0, held: 0, gone: 0 };
    return granted - held - gone;
  }

  move(exchangeId: string, sign: 1 | -1, isGone = false) {
    for (const { lotId, points } of this.holds.get(exchangeId) ?? []) {
      const entry = this.lots.get(lotId);
      if (!entry) throw new Error('a lot from nowhere');
      entry.held += sign * points;
      if (isGone) entry.gone += points;
    }
  }
}

type Step =
  | { kind: 'grant'; points: number; days: number | null }
  | { kind: 'hold'; points: number }
  | { kind: 'end'; which: number; outcome: 'confirmed' | 'released' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('grant' as const),
    points: fc.integer({ min: 1, max: 1_000 }),
    days: fc.option(fc.integer({ min: 1, max: 5 })),
  }),
  fc.record({ kind: fc.constant('hold' as const), points: fc.integer({ min: 1, max: 1_500 }) }),
  fc.record({
    kind: fc.constant('end' as const),
    which: fc.nat(20),
    outcome: fc.constantFrom('confirmed' as const, 'released' as const),
  }),
);

it('any history keeps every lot in balance with a naive bookkeeping', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (history) => {
      const naive = new NaiveAccount();
      const events: AccountEvent[] = [];
      let account = emptyAccount;
      history.forEach((step, n) => {
        const event = play(step, n, account, naive);
        if (!event) return;
        events.push(event);
        account = evolveAccount(account, event);
        for (const { lotId, availablePoints, heldPoints } of account.lots) {
          expect(availablePoints).toBe(naive.available(lotId));
          expect(heldPoints).toBe(naive.lots.get(lotId)?.held);
          expect(Math.min(availablePoints, heldPoints)).toBeGreaterThanOrEqual(0);
        }
      });
      expect(foldAccount(events)).toEqual(account);
    }),
  );
});

function play(step: Step, n: number, account: Account, naive: NaiveAccount): AccountEvent | undefined {
  if (step.kind === 'grant') {
    const expiresAt = step.days === null ? null : new Date(Date.parse(now) + step.days * 86_400_000).toISOString();
    const expiry = step.days ?? 1_000;
    naive.lots.set(`lot ${n}`, { granted: step.points, held: 0, gone: 0, order: n, expiry });
    return lot(`lot ${n}`, step.points, { expiresAt });
  }
  if (step.kind === 'hold') {
    const decision = hold(account, { exchangeId: `exchange ${n}`, points: step.points });
    const total = [...naive.lots.keys()].reduce((sum, lotId) => sum + naive.available(lotId), 0);
    if (decision.outcome !== 'decided') throw new Error('a new exchange is always decided');
    expect(decision.event.type).toBe(step.points <= total ? 'PointsHeld' : 'HoldRefused');
    if (decision.event.type === 'PointsHeld') expectSoonestFirst(decision.event.data.lots, naive);
    naive.holds.set(`exchange ${n}`, decision.event.type === 'PointsHeld' ? decision.event.data.lots : []);
    naive.move(`exchange ${n}`, 1);
    return decision.event;
  }
  const exchangeId = [...account.exchanges.keys()][step.which];
  if (exchangeId === undefined) return undefined;
  const decision = end(account, step.outcome, exchangeId);
  if (decision.outcome !== 'decided') return undefined;
  naive.move(exchangeId, -1, step.outcome === 'confirmed');
  return decision.event;
}

/** Every lot that was passed over, or not wholly taken, comes after every lot that was taken. */
function expectSoonestFirst(parts: readonly { lotId: string; points: number }[], naive: NaiveAccount) {
  const place = (lotId: string) => {
    const { expiry, order } = naive.lots.get(lotId) ?? { expiry: 0, order: 0 };
    return expiry * 10_000 + order;
  };
  const last = Math.max(...parts.map((part) => place(part.lotId)));
  const taken = new Map(parts.map((part) => [part.lotId, part.points]));
  for (const lotId of naive.lots.keys()) {
    const left = naive.available(lotId) - (taken.get(lotId) ?? 0);
    if (left > 0) expect(place(lotId)).toBeGreaterThanOrEqual(last);
  }
}

it('what is seen but not usable yet is named for all owners or for those who pay, where anything is left of it', () => {
  const usableFrom = times.askOwnerAt;
  const account = foldAccount([
    lot('now', 500),
    lot('later', 300, { usableFrom }),
    lot('of the city', 200, { usableFrom, ownerId: 'city' }),
    lot('spent', 100, { usableFrom }),
    spent('spent', 100),
  ]);
  const idsOf = (payingOwnerIds?: readonly string[]) =>
    embargoedLots(account, now, payingOwnerIds).map(({ lotId }) => lotId);
  expect(idsOf()).toEqual(['later', 'of the city']);
  expect(idsOf(['city'])).toEqual(['of the city']);
});

function spent(lotId: string, points: number): AccountEvent {
  const parts = [{ lotId, fundId: 'fund', ownerId: 'demo', points }];
  const data = { holdId: 'before', exchangeId: 'before', personId, providerId: 'sim-pay', points, lots: parts };
  return { type: 'PointsHeld', data: { ...data, askOwnerAt: now } };
}

it('what is exchangeable never exceeds what the lots hold', () => {
  const account = foldAccount([lot('a', 500), lot('b', 300, { dryRun: true }), refused()]);
  expect(exchangeableLots(account, now).map(({ lotId }) => lotId)).toEqual(['a']);
});

it('shows every lot with what stands in its way, and counts what can be used now and later', () => {
  const account = foldAccount([
    lot('now', 500),
    lot('also now', 20),
    lot('later', 300, { usableFrom: '2026-11-20T01:00:00.001Z' }),
    lot('over', 70, { expiresAt: now }),
    lot('dry run', 9, { dryRun: true }),
    spent('now', 100),
  ]);
  const { lots, exchangeablePoints, laterPoints } = usableNow(account, now);
  expect(lots.map(({ lot: { lotId }, blocked }) => [lotId, blocked])).toEqual([
    ['now', undefined],
    ['also now', undefined],
    ['later', 'not_usable_yet'],
    ['over', 'expired'],
    ['dry run', 'dry_run'],
  ]);
  expect([exchangeablePoints, laterPoints]).toEqual([420, 300]);
});
