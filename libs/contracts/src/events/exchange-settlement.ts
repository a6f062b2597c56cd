import Type from 'typebox';
import { published } from '../published.js';
import { topics } from '../topics.js';
import { closed, Id, Name, PointCount } from './shapes.js';

const common = { version: 1, producer: 'exchange-settlement', topic: topics.exchange, key: 'personId' } as const;
const ids = {
  exchangeId: '019ab3f0-6c00-7000-8000-000000000081',
  personId: '019ab3f0-6c00-7000-8000-000000000001',
  providerId: 'sim-pay',
};

export const ExchangeRequested = published({
  ...common,
  type: 'ExchangeRequested',
  meaning: 'A person asked to exchange points; the ledger is to hold them.',
  data: Type.Object(
    {
      exchangeId: Id,
      personId: Id,
      linkId: Id,
      providerId: Name,
      points: PointCount,
      /** Owners with a contract with this provider: only their lots may be taken. */
      payingOwnerIds: Type.Array(Name),
    },
    closed,
  ),
  example: { ...ids, linkId: '019ab3f0-6c00-7000-8000-0000000000a1', points: 1000, payingOwnerIds: ['demo'] },
});

export const ExchangeConfirmed = published({
  ...common,
  type: 'ExchangeConfirmed',
  meaning: 'The provider credited the points; the ledger is to capture the hold.',
  data: Type.Object({ exchangeId: Id, personId: Id, providerId: Name, points: PointCount }, closed),
  example: { ...ids, points: 1000 },
});

const ended = Type.Object(
  { exchangeId: Id, personId: Id, providerId: Name, points: PointCount, reasonCode: Name },
  closed,
);

export const ExchangeRejected = published({
  ...common,
  type: 'ExchangeRejected',
  meaning: 'The exchange was refused, by the ledger or the provider; a hold, if there is one, is to be released.',
  data: ended,
  example: { ...ids, points: 1000, reasonCode: 'provider_rejected' },
});

export const ExchangeCancelled = published({
  ...common,
  type: 'ExchangeCancelled',
  meaning: 'The exchange was called off: nothing was credited and nothing will be; its hold is to be released.',
  data: ended,
  example: { ...ids, points: 1000, reasonCode: 'cancelled_at_provider' },
});
