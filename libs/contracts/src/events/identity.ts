import Type from 'typebox';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id } from './shapes.js';

const common = { version: 1, producer: 'identity', topic: topics.person, key: 'personId' } as const;

export const PersonRegistered = published({
  ...common,
  type: 'PersonRegistered',
  meaning: 'A person proved who they are for the first time.',
  data: Type.Object({ personId: Id }, closed),
  example: { personId: '019ab3f0-6c00-7000-8000-000000000001' },
});
