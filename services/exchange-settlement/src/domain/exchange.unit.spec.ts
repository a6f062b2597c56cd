import { sumPoints } from '@tsunagu/kernel';
import fc from 'fast-check';
import {
  awaitsProvider,
  type CreditAnswer,
  decideAnswer,
  decideCaptured,
  decideHeld,
  decideHoldRefused,
  decideReleased,
  decideRequest,
  decideReview,
  decideSubmission,
  type Exchange,
  type ExchangeEvent,
  fold,
  outcomeOf,
  ownerParts,
  shownState,
} from './exchange.js';
import type { Provider } from './provider.js';

const provider: Provider = {
  providerId: 'pay',
  name: 'Pay',
  baseUrl: 'https://pay.example',
  unitPoints: 100,
  minimumPoints: 500,
  contracts: [
    { ownerId: 'demo', rateNumerator: 1, rateDenominator: 1 },
    { ownerId: 'ward', rateNumerator: 9, rateDenominator: 10 },
  ],
};
const order = { exchangeId: 'e1', personId: 'p1', linkId: 'l1', points: 1_000 };
const link = { providerId: 'pay', state: 'established' };
const lots = [
  { lotId: 'a', fundId: 'f1', ownerId: 'demo', points: 300 },
  { lotId: 'b', fundId: 'f2', ownerId: 'ward', points: 655 },
  { lotId: 'c', fundId: 'f1', ownerId: 'demo', points: 45 },
];
const held = {
  holdId: 'h1',
  exchangeId: 'e1',
  personId: 'p1',
  providerId: 'pay',
  points: 1_000,
  lots,
  askOwnerAt: 'x',
};
const credited: CreditAnswer = { kind: 'credited', providerReference: 'R1', creditedAt: '2026-11-20T01:00:00.000Z' };

function requested(): readonly ExchangeEvent[] {
  const decided = decideRequest(order, link, provider);
  if (!decided.ok) throw new Error(decided.refusal.code);
  return decided.value;
}

function folded(events: readonly ExchangeEvent[]): Exchange {
  const exchange = fold(events);
  if (!exchange) throw new Error('no exchange');
  return exchange;
}

describe('a request', () => {
  it.each([
    ['a link that is not established', { ...link, state: 'requested' }, 1_000, 'exchange.link_not_established'],
    ['fewer points than the minimum, in units or not', link, 450, 'exchange.below_minimum'],
    ['points that are no whole units', link, 550, 'exchange.not_in_units'],
  ])('is refused for %s', (_, facts, points, code) => {
    expect(decideRequest({ ...order, points }, facts, provider)).toMatchObject({ ok: false, refusal: { code } });
  });

  it('names every owner with a contract', () => {
    expect(folded(requested()).request.payingOwnerIds).toEqual(['demo', 'ward']);
  });
});

describe('the whole way', () => {
  it('requested → held → submitted → confirmed → captured, shown as submitted until the capture', () => {
    const events = [...requested()];
    const step = (added: readonly ExchangeEvent[]) => {
      events.push(...added);
      return shownState(folded(events).status);
    };
    expect(step(decideHeld(folded(events), held, provider))).toBe('held');
    expect(step(decideSubmission(folded(events), 'established'))).toBe('submitted');
    expect(outcomeOf(folded(events))).toBe('open');
    expect(step(decideAnswer(folded(events), credited))).toBe('submitted');
    expect(outcomeOf(folded(events))).toBe('confirmed');
    expect(step(decideCaptured(folded(events), held, { log: 0, position: 7 }))).toBe('confirmed');
    expect(folded(events)).toMatchObject({ providerPoints: 345 + 589, providerReference: 'R1' });
  });

  it('is held back while its link is disputed, and called off where the link has ended before anything went out', () => {
    const events = [...requested(), ...decideHeld(folded(requested()), held, provider)];
    expect(decideSubmission(folded(events), 'disputed')).toEqual([]);
    expect(decideSubmission(folded(events), undefined)).toEqual([]);
    const cancelled = [...events, ...decideSubmission(folded(events), 'ended')];
    expect(folded(cancelled)).toMatchObject({ status: 'cancelled', reasonCode: 'link_ended' });
    expect(outcomeOf(folded(cancelled))).toBe('released');
    const submitted = [...events, ...decideSubmission(folded(events), 'established')];
    expect(decideSubmission(folded(submitted), 'ended')).toEqual([]);
  });

  it('unknown, then pending, then rejected and released', () => {
    const events = [...requested()];
    events.push(
      ...decideHeld(folded(events), held, provider),
      ...decideSubmission(folded([...events, ...decideHeld(folded(events), held, provider)]), 'established'),
    );
    events.push(...decideAnswer(folded(events), { kind: 'unknown', why: 'timeout' }));
    expect(folded(events).status).toBe('outcome_unknown');
    events.push(...decideAnswer(folded(events), { kind: 'pending' }));
    expect(folded(events).status).toBe('submitted');
    events.push(...decideAnswer(folded(events), { kind: 'rejected', reasonCode: 'declined' }));
    expect(folded(events)).toMatchObject({ status: 'rejected', reasonCode: 'declined' });
    const release = { holdId: 'h1', exchangeId: 'e1', personId: 'p1', points: 1_000, lots, reasonCode: 'declined' };
    events.push(...decideReleased(folded(events), release));
    expect(folded(events).released).toBe(true);
    expect(decideReleased(folded(events), release)).toEqual([]);
  });

  it('goes under review only from an unknown outcome, after the limit, and is still confirmed by a late answer', () => {
    const submitted = [...requested(), ...decideHeld(folded(requested()), held, provider)];
    submitted.push(...decideSubmission(folded(submitted), 'established'));
    const [since, late] = ['2026-11-20T00:00:00.000Z', '2026-11-20T01:00:00.000Z'];
    expect(decideReview(folded(submitted), since, late, 3_600_000)).toEqual([]);
    const unknown = [...submitted, ...decideAnswer(folded(submitted), { kind: 'unknown', why: 'timeout' })];
    expect(decideReview(folded(unknown), since, late, 3_600_001)).toEqual([]);
    const review = [...unknown, ...decideReview(folded(unknown), since, late, 3_600_000)];
    expect(folded(review).status).toBe('under_review');
    expect(folded([...review, ...decideAnswer(folded(review), credited)]).status).toBe('confirmed');
  });
});

describe('whatever comes in whatever order', () => {
  const answers = fc.oneof<fc.Arbitrary<CreditAnswer>[]>(
    fc.constant(credited),
    fc.constant({ kind: 'rejected', reasonCode: 'declined' }),
    fc.constant({ kind: 'pending' }),
    fc.constant({ kind: 'not_seen' }),
    fc.constant({ kind: 'unknown', why: 'timeout' }),
  );
  const acts = fc.oneof(
    fc.constantFrom('held' as const, 'refused' as const, 'submit' as const, 'captured' as const, 'released' as const),
    answers,
  );
  const refused = {
    exchangeId: 'e1',
    personId: 'p1',
    points: 1_000,
    reasonCode: 'insufficient_points',
    exchangeablePoints: 0,
  };

  it('an exchange ends at most once, never without the provider once submitted, and only an end frees or takes the hold', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 25 }), (steps) => {
        let events: readonly ExchangeEvent[] = requested();
        for (const step of steps) {
          const state = folded(events);
          const added =
            step === 'held'
              ? decideHeld(state, held, provider)
              : step === 'refused'
                ? decideHoldRefused(state, refused)
                : step === 'submit'
                  ? decideSubmission(state, 'established')
                  : step === 'captured'
                    ? decideCaptured(state, held, { log: 0, position: 1 })
                    : step === 'released'
                      ? decideReleased(state, { ...held, reasonCode: 'x' })
                      : decideAnswer(state, step);
          if (added.some((event) => event.type === 'ExchangeRejected') && awaitsProvider(state))
            expect(step).toMatchObject({ kind: 'rejected' });
          events = [...events, ...added];
        }
        const types = events.map((event) => event.type);
        const count = (type: string) => types.filter((each) => each === type).length;
        expect(count('ExchangeConfirmed') + count('ExchangeRejected')).toBeLessThanOrEqual(1);
        if (count('ExchangeConfirmed') === 1)
          expect(types.indexOf('ExchangeSubmitted')).toBeLessThan(types.indexOf('ExchangeConfirmed'));
        expect(count('ExchangeSubmitted')).toBeLessThanOrEqual(1);
        if (count('ExchangeCaptured') > 0) expect(count('ExchangeConfirmed')).toBe(1);
        if (count('ExchangeReleased') > 0) expect(count('ExchangeRejected')).toBe(1);
      }),
    );
  });
});

it("owners' parts add up to the hold, each rounded down at its own rate", () => {
  const lot = fc.record({
    lotId: fc.uuid(),
    fundId: fc.uuid(),
    ownerId: fc.constantFrom('demo', 'ward'),
    points: fc.integer({ min: 1, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(lot, { maxLength: 12 }), (taken) => {
      const parts = ownerParts(taken, provider);
      expect(sumPoints(parts.map((part) => part.points))).toBe(sumPoints(taken.map((each) => each.points)));
      for (const { ownerId, points, providerPoints } of parts)
        expect(providerPoints).toBe(ownerId === 'demo' ? points : Math.floor((points * 9) / 10));
    }),
  );
  expect(() => ownerParts([{ lotId: 'x', fundId: 'y', ownerId: 'stranger', points: 1 }], provider)).toThrow(
    'no contract',
  );
});
