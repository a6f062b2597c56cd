import Type from 'typebox';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id, Time } from './shapes.js';

const common = { version: 1, producer: 'identity', topic: topics.person, key: 'personId' } as const;

const personId = '019ab3f0-6c00-7000-8000-000000000001';
const mergedPersonId = '019ab3f0-6c00-7000-8000-000000000002';
const mergeId = '019ab3f0-6c00-7000-8000-0000000000a1';

/** One event for each of the two persons, so that each comes in the order of its own key. */
const TwoPersons = Type.Object(
  {
    /** The one of the two whose event this is. */
    personId: Id,
    keptPersonId: Id,
    mergedPersonId: Id,
    mergeId: Id,
  },
  closed,
);

export const PersonRegistered = published({
  ...common,
  type: 'PersonRegistered',
  meaning: 'A person proved who they are for the first time.',
  data: Type.Object({ personId: Id }, closed),
  example: { personId },
});

export const PersonReviewed = published({
  ...common,
  type: 'PersonReviewed',
  meaning: 'Two members of staff decided a review for which the grants of a person waited.',
  data: Type.Object(
    {
      personId: Id,
      reviewId: Id,
      outcome: Type.Union([Type.Literal('same_person'), Type.Literal('different_persons')]),
      /** Whether another open review still holds the grants. */
      held: Type.Boolean(),
    },
    closed,
  ),
  example: {
    personId,
    reviewId: '019ab3f0-6c00-8000-8000-0000000000b1',
    outcome: 'different_persons' as const,
    held: false,
  },
});

export const PersonsMerged = published({
  ...common,
  type: 'PersonsMerged',
  meaning: 'Two persons turned out to be one: from now on both ids mean the one that is kept.',
  data: TwoPersons,
  example: { personId, keptPersonId: personId, mergedPersonId, mergeId },
});

export const PersonSplit = published({
  ...common,
  type: 'PersonSplit',
  meaning: 'A merge was wrong: both persons stand for themselves again.',
  data: TwoPersons,
  example: { personId, keptPersonId: personId, mergedPersonId, mergeId },
});

export const ConsentWithdrawn = published({
  ...common,
  type: 'ConsentWithdrawn',
  meaning: 'A person withdrew a consent: what was read of them until then is not used for that purpose any more.',
  data: Type.Object({ personId: Id, purpose: Type.Literal('attributes'), withdrawnAt: Time }, closed),
  example: { personId, purpose: 'attributes' as const, withdrawnAt: '2026-11-30T07:00:00.000Z' },
});

/** `change` counts what was found of this person, so that what is heard late never undoes what came after it. */
const Standing = Type.Object({ personId: Id, change: Type.Integer({ minimum: 1 }) }, closed);

export const IdentityRevoked = published({
  ...common,
  type: 'IdentityRevoked',
  meaning: 'Nobody can prove to be this person now: no certificate of theirs is good, and one of them lost its trust.',
  data: Standing,
  example: { personId, change: 1 },
});

export const IdentityRestored = published({
  ...common,
  type: 'IdentityRestored',
  meaning: 'A person whose identity was revoked proved again who they are.',
  data: Standing,
  example: { personId, change: 2 },
});

export const PersonErased = published({
  ...common,
  type: 'PersonErased',
  meaning:
    'Two members of staff erased a person: from then on nothing is known of them, and nothing may be kept of them.',
  data: Type.Object(
    {
      personId: Id,
      erasureId: Id,
      /** SHA-256 of the key of identity's vault that goes, which proves which one it was. */
      keyHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    },
    closed,
  ),
  example: {
    personId,
    erasureId: '019ab3f0-6c00-7000-8000-0000000000c1',
    keyHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
});
