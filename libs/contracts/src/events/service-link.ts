import Type from 'typebox';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id, Name } from './shapes.js';

const common = { version: 1, producer: 'service-link', topic: topics.link, key: 'personId' } as const;

export const LinkEstablished = published({
  ...common,
  type: 'LinkEstablished',
  meaning: "A provider confirmed the person's account, and nobody else holds it.",
  data: Type.Object({ linkId: Id, personId: Id, providerId: Name, programmeId: Name }, closed),
  example: {
    linkId: '019ab3f0-6c00-7000-8000-0000000000a1',
    personId: '019ab3f0-6c00-7000-8000-000000000001',
    providerId: 'sim-pay',
    programmeId: 'default',
  },
});
