import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { ProviderEvent } from '../domain/provider.js';

/** Providers and each owner's rate, for lists. A handful of events a month, so a statement each. */
export const providersProjection: Projection = {
  name: 'providers',
  tables: ['providers', 'provider_contracts'],
  types: ['ProviderRegistered', 'ProviderTermsChanged'],
  async apply(client, events) {
    for (const { data } of events as readonly (RecordedEvent &
      Exclude<ProviderEvent, { type: 'ProviderBankAccountChanged' }>)[]) {
      if ('ownerId' in data) {
        await client.query(
          `insert into provider_contracts (provider_id, owner_id, rate_numerator, rate_denominator)
           values ($1, $2, $3, $4)
           on conflict (provider_id, owner_id) do update
             set rate_numerator = excluded.rate_numerator, rate_denominator = excluded.rate_denominator`,
          [data.providerId, data.ownerId, data.rateNumerator, data.rateDenominator],
        );
      } else {
        await client.query(
          `insert into providers (provider_id, name, base_url, unit_points, minimum_points)
           values ($1, $2, $3, $4, $5)
           on conflict (provider_id) do update
             set name = excluded.name, base_url = excluded.base_url,
                 unit_points = excluded.unit_points, minimum_points = excluded.minimum_points`,
          [data.providerId, data.name, data.baseUrl, data.unitPoints, data.minimumPoints],
        );
      }
    }
  },
};
