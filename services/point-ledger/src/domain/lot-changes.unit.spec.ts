import type { AccountEvent } from './account.js';
import { granted, now, personId, refused, reversed } from './builders.js';
import { type LotChange, lotChangesOf, lotChangeTypes } from './lot-changes.js';

const place = { personId, lotId: 'lot', fundId: 'fund', ownerId: 'demo' };
const part = (lotId: string, points: number) => ({ lotId, fundId: 'fund', ownerId: 'demo', points });
const lots = [part('first', 400), part('second', 100)];
const hold = { holdId: 'hold', exchangeId: 'exchange', personId, providerId: 'sim-pay', points: 500, lots };
const later = '2027-03-31T15:00:00.000Z';
const extended = (expiresAt: string): AccountEvent => ({
  type: 'LotExtended',
  data: { personId, lotId: 'lot', extensionId: 'extension', previousExpiresAt: now, expiresAt },
});
const owed = { ...place, receivableId: 'receivable', reversalId: 'reversal', points: 7 };
const paying = { payingLotId: 'paying', payingFundId: 'fund', payingOwnerId: 'demo' };
const takenBack = reversed({ points: 0, receivablePoints: 400 });

const changed = (lotId: string, availablePoints: number, heldPoints: number): LotChange => ({
  lotId,
  availablePoints,
  heldPoints,
});

it.each<[string, AccountEvent, readonly LotChange[]]>([
  [
    'a hold takes from what is available',
    { type: 'PointsHeld', data: { ...hold, askOwnerAt: now } },
    [changed('first', -400, 400), changed('second', -100, 100)],
  ],
  [
    'a release gives that back',
    { type: 'HoldReleased', data: { ...hold, reasonCode: 'rejected' } },
    [changed('first', 400, -400), changed('second', 100, -100)],
  ],
  [
    'a capture takes what is held',
    { type: 'HoldCaptured', data: hold },
    [changed('first', 0, -400), changed('second', 0, -100)],
  ],
  [
    'expiry takes what is available',
    { type: 'PointsExpired', data: { ...place, campaignId: 'campaign', points: 7, expiresAt: now, dryRun: false } },
    [changed('lot', -7, 0)],
  ],
  ['a reversal takes what is available, and never minus nothing', takenBack, [changed('lot', 0, 0)]],
  [
    'a repayment takes from the lot that pays',
    { type: 'ReceivableRepaid', data: { ...owed, ...paying } },
    [changed('paying', -7, 0)],
  ],
  ['an extension moves nothing and gives a new end', extended(later), [{ ...changed('lot', 0, 0), expiresAt: later }]],
  ['a grant makes a lot and changes none', granted(), []],
  ['a refusal changes none', refused(), []],
  ['what is owed changes none', { type: 'ReceivableRecorded', data: owed }, []],
  [
    'what is owed no more changes none',
    { type: 'ReceivableWrittenOff', data: { ...owed, reasonPattern: 'hardship' } },
    [],
  ],
])('%s', (_, event, changes) => {
  expect(lotChangesOf(event)).toStrictEqual(changes);
  expect(lotChangeTypes.includes(event.type)).toBe(changes.length > 0);
});
