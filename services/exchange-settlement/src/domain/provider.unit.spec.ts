import fc from 'fast-check';
import { contractOf, decideContract, decideMove, fold, type ProviderEvent, providerPointsOf } from './provider.js';

const terms = { name: 'Pay', baseUrl: 'https://pay.example', unitPoints: 100, minimumPoints: 100 };
const order = {
  providerId: 'pay',
  ownerId: 'demo',
  terms,
  rate: { rateNumerator: 1, rateDenominator: 1 },
  newBankAccount: 'ref-1',
  changedBy: 'staff:operator',
};

describe('a provider', () => {
  it('given nothing, when an owner contracts, then it is registered with that contract', () => {
    const decided = decideContract(undefined, order);
    expect(decided.ok && decided.value.map((event) => event.type)).toEqual([
      'ProviderRegistered',
      'ProviderTermsChanged',
      'ProviderBankAccountChanged',
    ]);
    const provider = fold(decided.ok ? decided.value : []);
    expect(contractOf(provider, 'demo')).toEqual({
      ownerId: 'demo',
      rateNumerator: 1,
      rateDenominator: 1,
      bankAccount: expect.objectContaining({ reference: 'ref-1', version: 1, changedBy: 'staff:operator' }),
    });
    expect(contractOf(provider, 'other')).toBeUndefined();
  });

  it('refuses other terms, takes another owner, and counts the versions of an account', () => {
    const first = decideContract(undefined, order);
    const events = first.ok ? [...first.value] : [];
    expect(decideContract(fold(events), { ...order, terms: { ...terms, unitPoints: 50 } })).toMatchObject({
      ok: false,
      refusal: { code: 'exchange.provider_differs' },
    });
    const second = decideContract(fold(events), { ...order, ownerId: 'other' });
    events.push(...(second.ok ? second.value : []));
    const changed = decideContract(fold(events), { ...order, newBankAccount: 'ref-2', changedBy: 'staff:b' });
    events.push(...(changed.ok ? changed.value : []));
    const provider = fold(events);
    expect(provider?.contracts).toHaveLength(2);
    expect(contractOf(provider, 'demo')?.bankAccount).toMatchObject({ version: 2, changedBy: 'staff:b' });
    expect(contractOf(provider, 'other')?.bankAccount).toMatchObject({ version: 1 });
    const { newBankAccount: _, ...same } = order;
    expect(decideContract(provider, same)).toEqual({ ok: true, value: [] });
  });

  it('moves with its terms', () => {
    const decided = decideContract(undefined, order);
    const events: readonly ProviderEvent[] = decided.ok ? decided.value : [];
    const provider = fold(events);
    if (!provider) throw new Error('no provider');
    expect(decideMove(provider, terms.baseUrl)).toEqual([]);
    const moved = fold([...events, ...decideMove(provider, 'https://new.example')]);
    expect(moved).toEqual({ ...provider, baseUrl: 'https://new.example' });
  });
});

it('provider points are the exact floor of points × rate', () => {
  const whole = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), whole, whole, (points, rateNumerator, rateDenominator) => {
      const result = BigInt(providerPointsOf(points, { rateNumerator, rateDenominator }));
      const product = BigInt(points) * BigInt(rateNumerator);
      expect(result * BigInt(rateDenominator) <= product).toBe(true);
      expect((result + 1n) * BigInt(rateDenominator) > product).toBe(true);
    }),
  );
});
