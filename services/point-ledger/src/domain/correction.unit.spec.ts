import { correctionOf, correctionTypes } from './correction.js';

const data = { points: 100, reasonPattern: 'fraud' };
const second = 'staff:second';

it.each([
  ['GrantReversed', 'reversal'],
  ['ReceivableWrittenOff', 'write_off'],
])('%s is a correction (%s), recorded by the second person where staff approved it', (type, kind) => {
  expect(correctionTypes).toContain(type);
  expect(correctionOf({ type, actor: second, data })).toEqual({ kind, reasonPattern: 'fraud', approvedBy: second });
});

it('names whom the event names as the one who approved it, before who recorded it', () => {
  for (const actor of ['service:point-ledger', 'staff:first'])
    expect(correctionOf({ type: 'GrantReversed', actor, data: { ...data, approvedBy: second } })).toMatchObject({
      approvedBy: second,
    });
});

it.each(['service:point-ledger', 'service:staff:', 'staff'])(
  'that follows by rule, by %s, has no approver',
  (actor) => {
    expect(correctionOf({ type: 'GrantReversed', actor, data })).toMatchObject({ approvedBy: null });
  },
);

it('is nothing that happens by itself', () => {
  for (const type of ['PointsExpired', 'ReceivableRecorded', 'HoldReleased']) {
    expect(correctionTypes).not.toContain(type);
    expect(correctionOf({ type, actor: second, data })).toBeUndefined();
  }
});
