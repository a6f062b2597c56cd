import { type AccountEvent, accountStream, evolveAccount, foldAccount } from './account.js';
import { granted, now, personId } from './builders.js';

const lot = (lotId: string) => granted({ lotId, claimId: lotId, measureId: lotId });
const ofHold = (exchangeId: string, lotIds: readonly string[], each = 100) => ({
  holdId: exchangeId,
  exchangeId,
  personId,
  points: lotIds.length * each,
  lots: lotIds.map((lotId) => ({ lotId, fundId: 'fund', ownerId: 'demo', points: each })),
});
const held = (exchangeId: string, ...lotIds: readonly string[]): AccountEvent => ({
  type: 'PointsHeld',
  data: { ...ofHold(exchangeId, lotIds), providerId: 'sim-pay', askOwnerAt: now },
});
const released = (exchangeId: string, lotIds: readonly string[], each?: number): AccountEvent => ({
  type: 'HoldReleased',
  data: { ...ofHold(exchangeId, lotIds, each), reasonCode: 'rejected' },
});
const refusedHold: AccountEvent = {
  type: 'HoldRefused',
  data: { exchangeId: 'refused', personId, points: 1, reasonCode: 'insufficient_points', exchangeablePoints: 0 },
};

it('an account has a stream of its own', () => {
  expect(accountStream('person')).toBe('account-person');
});

describe('a hold', () => {
  const account = foldAccount([lot('a'), lot('b'), held('one', 'a'), held('two', 'b'), refusedHold]);

  it('ends part by part until none of it is open', () => {
    const partly = evolveAccount(account, released('one', ['a'], 40));
    expect(partly.exchanges.get('one')).toMatchObject({ openLots: [{ lotId: 'a', points: 60 }] });
    const wholly = evolveAccount(partly, released('one', ['a'], 60));
    expect(wholly.exchanges.get('one')).toMatchObject({ state: 'released', openLots: [] });
    expect([...wholly.lots]).toMatchObject([{ availablePoints: 1_000, heldPoints: 0 }, { heldPoints: 100 }]);
  });

  it.each([
    ['of an exchange that nobody knows', 'unknown'],
    ['of an exchange that was refused', 'refused'],
    ['that ended before', 'ended'],
  ])('%s cannot end', (_, exchangeId) => {
    const after = foldAccount([lot('a'), lot('b'), held('two', 'b'), refusedHold, held('ended', 'a')]);
    const ended = evolveAccount(after, released('ended', ['a']));
    expect(() => evolveAccount(ended, released(exchangeId, ['b']))).toThrow(
      `exchange ${exchangeId} has no hold to end`,
    );
  });

  it('cannot end with what another hold has, alone or beside its own', () => {
    const fault = 'a hold ends with a lot that it does not hold';
    expect(() => evolveAccount(account, released('one', ['b']))).toThrow(fault);
    expect(() => evolveAccount(account, released('one', ['a', 'b']))).toThrow(fault);
    expect(() => evolveAccount(account, released('one', ['a'], 101))).toThrow(RangeError);
  });
});
