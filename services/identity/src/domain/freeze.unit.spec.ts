import { decideFreeze, decideLift, type FreezeEvent, foldFreeze } from './freeze.js';

const personId = 'p';
const order = { personId, by: 'support', pattern: 'card_lost' } as const;
const frozen: FreezeEvent = { type: 'PersonFrozen', data: order };
const lifted: FreezeEvent = { type: 'FreezeLifted', data: { personId, certificateRef: 'c' } };

describe('a freeze', () => {
  it.each<[string, FreezeEvent[], boolean]>([
    ['nobody asked', [], false],
    ['asked for', [frozen], true],
    ['lifted', [frozen, lifted], false],
    ['asked for again', [frozen, lifted, frozen], true],
  ])('%s', (_name, events, expected) => {
    expect(foldFreeze(events).frozen).toBe(expected);
  });

  it('is recorded once, and so is its end', () => {
    expect(decideFreeze({ frozen: false }, order)).toEqual([frozen]);
    expect(decideFreeze({ frozen: true }, { ...order, pattern: 'card_stolen' })).toEqual([]);
    expect(decideLift({ frozen: true }, lifted.data)).toEqual([lifted]);
    expect(decideLift({ frozen: false }, lifted.data)).toEqual([]);
  });
});
