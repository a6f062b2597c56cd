import Type from 'typebox';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id, Name, PointCount, Time } from './shapes.js';

const common = { version: 1, producer: 'campaign', topic: topics.claim, key: 'personId' } as const;

/** What the ledger needs to decide a grant, and the answers on which the claim was accepted. No attribute, only yes, no, unknown. */
const grantOrder = {
  claimId: Id,
  personId: Id,
  campaignId: Id,
  measureId: Id,
  programmeId: Name,
  fundId: Id,
  amountPoints: PointCount,
  ruleVersion: Type.Integer({ minimum: 1 }),
  /** 1 for the first decision, one more each time the claim is reopened. */
  attempt: Type.Integer({ minimum: 1 }),
  dryRun: Type.Boolean(),
  pointsExpireAt: Type.Union([Time, Type.Null()]),
  pointsExpireAfterMonths: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  answers: Type.Array(
    Type.Object(
      {
        rule: Type.Union([Type.Literal('age'), Type.Literal('residence')]),
        answer: Type.Union([Type.Literal('yes'), Type.Literal('no'), Type.Literal('unknown')]),
        factReadAt: Type.Union([Time, Type.Null()]),
      },
      closed,
    ),
  ),
  receiptNumber: Type.String({ minLength: 1, maxLength: 40 }),
};

const GrantOrder = Type.Object(grantOrder, closed);

/** `heldFor`: the ledger does not decide the claim before it is reopened; absent where nothing is waited for. */
const Claim = Type.Object({ ...grantOrder, heldFor: Type.Optional(Type.Literal('identity_review')) }, closed);

const example = {
  claimId: '019ab3f0-6c00-7000-8000-0000000000c1',
  personId: '019ab3f0-6c00-7000-8000-000000000001',
  campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
  measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
  programmeId: 'default',
  fundId: '019ab3f0-6c00-7000-8000-0000000000f1',
  amountPoints: 11000,
  ruleVersion: 1,
  attempt: 1,
  dryRun: false,
  pointsExpireAt: null,
  pointsExpireAfterMonths: 6,
  answers: [{ rule: 'age' as const, answer: 'yes' as const, factReadAt: '2026-11-20T01:00:00.000Z' }],
  receiptNumber: 'R-VHFF-AAM9-BBEU-ATMQ',
};

export const ClaimAccepted = published({
  ...common,
  type: 'ClaimAccepted',
  meaning:
    'A person claimed a measure; the receipt is durable and the ledger is to decide the grant, unless it is held.',
  data: Claim,
  example,
});

export const ClaimReopened = published({
  ...common,
  type: 'ClaimReopened',
  meaning:
    'A curable refusal, a claim that was held, or one that a withdrawal ended goes to the ledger under the same claim and receipt; `answers` are those it rests on now.',
  data: GrantOrder,
  example: { ...example, attempt: 2 },
});
