import Type from 'typebox';
import { older, published } from '../published.js';
import { topics } from '../topics.js';
import { closed, HeldLot, Id, Name, PointCount, Time } from './shapes.js';

const common = { version: 1, producer: 'point-ledger', topic: topics.account, key: 'personId' } as const;
const ids = {
  claim: '019ab3f0-6c00-7000-8000-0000000000c1',
  person: '019ab3f0-6c00-7000-8000-000000000001',
  fund: '019ab3f0-6c00-7000-8000-0000000000f1',
  lot: '019ab3f0-6c00-8000-8000-0000000000b1',
  hold: '019ab3f0-6c00-8000-8000-000000000091',
  exchange: '019ab3f0-6c00-7000-8000-000000000081',
};
const lots = [{ lotId: ids.lot, fundId: ids.fund, ownerId: 'demo', points: 1000 }];

const granted1 = {
  claimId: Id,
  personId: Id,
  campaignId: Id,
  measureId: Id,
  lotId: Id,
  fundId: Id,
  /** Who pays for the lot: the fund's owner. */
  ownerId: Name,
  amountPoints: PointCount,
  attempt: Type.Integer({ minimum: 1 }),
  grantedAt: Time,
  expiresAt: Type.Union([Time, Type.Null()]),
  dryRun: Type.Boolean(),
};
const granted2 = Type.Object(
  {
    ...granted1,
    /** Whether anybody paid for the points: only free ones are outside the rules on prepaid payment. */
    legalClass: Type.Union([Type.Literal('free'), Type.Literal('prepaid')]),
    /** Seen, and not exchangeable before; null: at once. */
    usableFrom: Type.Union([Time, Type.Null()]),
    /** The list that it was granted by; null for a claim of the person's own. */
    batchId: Type.Union([Id, Type.Null()]),
  },
  closed,
);
const grantedExample1 = {
  claimId: ids.claim,
  personId: ids.person,
  campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
  measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
  lotId: ids.lot,
  fundId: ids.fund,
  ownerId: 'demo',
  amountPoints: 11000,
  attempt: 1,
  grantedAt: '2026-11-20T01:00:00.010Z',
  expiresAt: '2027-05-20T15:00:00.000Z',
  dryRun: false,
};

export const PointsGranted = published({
  ...common,
  type: 'PointsGranted',
  version: 2,
  older: [
    older({ data: Type.Object(granted1, closed), example: grantedExample1, next: granted2 }, (data) => ({
      ...data,
      legalClass: 'free' as const,
      usableFrom: null,
      batchId: null,
    })),
  ],
  meaning: 'A claim was granted: a new lot stands on the account.',
  data: granted2,
  example: { ...grantedExample1, legalClass: 'free', usableFrom: null, batchId: null },
});

export const GrantRefused = published({
  ...common,
  type: 'GrantRefused',
  meaning: 'A claim could not be granted, for the reason named.',
  data: Type.Object(
    {
      claimId: Id,
      personId: Id,
      measureId: Id,
      fundId: Id,
      attempt: Type.Integer({ minimum: 1 }),
      reasonCode: Name,
      curable: Type.Boolean(),
      /** The list whose row this was; no claim of the person's own. */
      batchId: Type.Optional(Id),
    },
    closed,
  ),
  example: {
    claimId: ids.claim,
    personId: ids.person,
    measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
    fundId: ids.fund,
    attempt: 1,
    reasonCode: 'fund_exhausted',
    curable: true,
  },
});

export const PointsHeld = published({
  ...common,
  type: 'PointsHeld',
  meaning: 'Points are set aside for an exchange, lot by lot; only the outcome of the exchange moves them on.',
  data: Type.Object(
    {
      holdId: Id,
      exchangeId: Id,
      personId: Id,
      providerId: Name,
      points: PointCount,
      lots: Type.Array(HeldLot),
      askOwnerAt: Time,
    },
    closed,
  ),
  example: {
    holdId: ids.hold,
    exchangeId: ids.exchange,
    personId: ids.person,
    providerId: 'sim-pay',
    points: 1000,
    lots,
    askOwnerAt: '2026-11-20T02:00:00.000Z',
  },
});

export const HoldRefused = published({
  ...common,
  type: 'HoldRefused',
  meaning: 'The account does not have the points for an exchange, decided on its own stream.',
  data: Type.Object(
    { exchangeId: Id, personId: Id, points: PointCount, reasonCode: Name, exchangeablePoints: PointCount },
    closed,
  ),
  example: {
    exchangeId: ids.exchange,
    personId: ids.person,
    points: 1000,
    reasonCode: 'insufficient_points',
    exchangeablePoints: 300,
  },
});

export const HoldCaptured = published({
  ...common,
  type: 'HoldCaptured',
  meaning: 'The provider credited the exchange: the held points have left the account.',
  data: Type.Object(
    { holdId: Id, exchangeId: Id, personId: Id, providerId: Name, points: PointCount, lots: Type.Array(HeldLot) },
    closed,
  ),
  example: {
    holdId: ids.hold,
    exchangeId: ids.exchange,
    personId: ids.person,
    providerId: 'sim-pay',
    points: 1000,
    lots,
  },
});

export const HoldReleased = published({
  ...common,
  type: 'HoldReleased',
  meaning: 'The exchange did not happen: the held points are available again.',
  data: Type.Object(
    { holdId: Id, exchangeId: Id, personId: Id, points: PointCount, lots: Type.Array(HeldLot), reasonCode: Name },
    closed,
  ),
  example: {
    holdId: ids.hold,
    exchangeId: ids.exchange,
    personId: ids.person,
    points: 1000,
    lots,
    reasonCode: 'rejected',
  },
});
