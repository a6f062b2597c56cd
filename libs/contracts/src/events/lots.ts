import Type from 'typebox';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id, Name, PointCount, Time } from './shapes.js';

/** What becomes of a lot after it was granted, apart from exchanges: it expires, is extended, or is taken back. */

const common = { version: 1, producer: 'point-ledger', topic: topics.account, key: 'personId' } as const;
const ids = {
  personId: '019ab3f0-6c00-7000-8000-000000000001',
  lotId: '019ab3f0-6c00-8000-8000-0000000000b1',
  fundId: '019ab3f0-6c00-7000-8000-0000000000f1',
  ownerId: 'demo',
};
const reversalId = '019ab3f0-6c00-7000-8000-000000000051';
const receivableId = '019ab3f0-6c00-8000-8000-000000000061';

export const PointsExpired = published({
  ...common,
  type: 'PointsExpired',
  meaning: 'What was left of a lot at the end of its term is gone; points under a hold wait for their outcome.',
  data: Type.Object(
    {
      personId: Id,
      lotId: Id,
      fundId: Id,
      ownerId: Name,
      campaignId: Id,
      points: PointCount,
      /** The end of the term that had passed. */
      expiresAt: Time,
      dryRun: Type.Boolean(),
    },
    closed,
  ),
  example: {
    ...ids,
    campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
    points: 300,
    expiresAt: '2027-05-20T15:00:00.000Z',
    dryRun: false,
  },
});

export const LotExtended = published({
  ...common,
  type: 'LotExtended',
  meaning: 'A lot ends later than it was granted for.',
  data: Type.Object(
    {
      personId: Id,
      lotId: Id,
      /** The approved extension; the hold, where a failed exchange gave points back after their term. */
      extensionId: Id,
      previousExpiresAt: Time,
      expiresAt: Time,
    },
    closed,
  ),
  example: {
    personId: ids.personId,
    lotId: ids.lotId,
    extensionId: '019ab3f0-6c00-7000-8000-000000000071',
    previousExpiresAt: '2027-05-20T15:00:00.000Z',
    expiresAt: '2027-11-20T15:00:00.000Z',
  },
});

export const GrantReversed = published({
  ...common,
  type: 'GrantReversed',
  meaning:
    'A grant was taken back: what is left of its lot is gone. Once at the approval, and again where a hold gives points back later.',
  data: Type.Object(
    {
      personId: Id,
      reversalId: Id,
      lotId: Id,
      fundId: Id,
      ownerId: Name,
      claimId: Id,
      measureId: Id,
      /** Taken out of the lot now. */
      points: PointCount,
      /** Had left the lot before: recorded as a receivable. */
      receivablePoints: PointCount,
      reasonPattern: Name,
      batchId: Type.Union([Id, Type.Null()]),
      dryRun: Type.Boolean(),
    },
    closed,
  ),
  example: {
    ...ids,
    reversalId,
    claimId: '019ab3f0-6c00-7000-8000-0000000000c1',
    measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
    points: 10000,
    receivablePoints: 1000,
    reasonPattern: 'granted_twice',
    batchId: null,
    dryRun: false,
  },
});

export const ReceivableRecorded = published({
  ...common,
  type: 'ReceivableRecorded',
  meaning: 'A reversed grant had been spent: the person owes the fund so many points.',
  data: Type.Object(
    { personId: Id, receivableId: Id, reversalId: Id, lotId: Id, fundId: Id, ownerId: Name, points: PointCount },
    closed,
  ),
  example: { ...ids, receivableId, reversalId, points: 1000 },
});

export const ReceivableRepaid = published({
  ...common,
  type: 'ReceivableRepaid',
  meaning: 'A part of a later grant by the same owner repaid a receivable.',
  data: Type.Object(
    {
      personId: Id,
      receivableId: Id,
      /** The lot whose grant was reversed. */
      lotId: Id,
      fundId: Id,
      ownerId: Name,
      payingLotId: Id,
      payingFundId: Id,
      payingOwnerId: Name,
      points: PointCount,
    },
    closed,
  ),
  example: {
    ...ids,
    receivableId,
    payingLotId: '019ab3f0-6c00-8000-8000-0000000000b2',
    payingFundId: '019ab3f0-6c00-7000-8000-0000000000f2',
    payingOwnerId: 'demo',
    points: 400,
  },
});

export const ReceivableWrittenOff = published({
  ...common,
  type: 'ReceivableWrittenOff',
  meaning: 'What was still open of a receivable is no longer asked for.',
  data: Type.Object(
    { personId: Id, receivableId: Id, lotId: Id, fundId: Id, ownerId: Name, points: PointCount, reasonPattern: Name },
    closed,
  ),
  example: { ...ids, receivableId, points: 600, reasonPattern: 'hardship' },
});
