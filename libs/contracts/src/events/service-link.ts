import Type from 'typebox';
import { linkPatterns } from '../link-patterns.js';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id, Name } from './shapes.js';

const subject = { linkId: Id, personId: Id, providerId: Name, programmeId: Name };
const exampleSubject = {
  linkId: '019ab3f0-6c00-7000-8000-0000000000a1',
  personId: '019ab3f0-6c00-7000-8000-000000000001',
  providerId: 'sim-pay',
  programmeId: 'default',
};
const common = { version: 1, producer: 'service-link', topic: topics.link, key: 'personId' } as const;

export const LinkEstablished = published({
  ...common,
  type: 'LinkEstablished',
  meaning: "A provider confirmed the person's account, and nobody else holds it.",
  data: Type.Object(subject, closed),
  example: exampleSubject,
});

/** Why a link ended: a pattern of staff, the person's own wish, or their erasure. */
const EndPattern = Type.Enum([...Object.keys(linkPatterns.correction), 'ended_by_person', 'person_erased']);

export const LinkDisputed = published({
  ...common,
  type: 'LinkDisputed',
  meaning: 'Somebody says that a link is wrong: nothing goes to its account until staff have looked into it.',
  data: Type.Object(
    {
      ...subject,
      pattern: Type.Enum(Object.keys(linkPatterns.dispute)),
      /** On whose behalf: the link's person, whoever owns the account, or the provider. */
      side: Type.Enum(['holder', 'account_owner', 'provider']),
    },
    closed,
  ),
  example: { ...exampleSubject, pattern: 'not_mine', side: 'holder' },
});

export const LinkUpheld = published({
  ...common,
  type: 'LinkUpheld',
  meaning: 'Two persons of the staff found a disputed link right: it is established again.',
  data: Type.Object({ ...subject, changeId: Id }, closed),
  example: { ...exampleSubject, changeId: '019ab3f0-6c00-7000-8000-0000000000c1' },
});

export const LinkEnded = published({
  ...common,
  type: 'LinkEnded',
  meaning: 'A link ended; where its account went to another person, that link is named.',
  data: Type.Object({ ...subject, pattern: EndPattern, successorLinkId: Type.Union([Id, Type.Null()]) }, closed),
  example: { ...exampleSubject, pattern: 'deceased', successorLinkId: null },
});
