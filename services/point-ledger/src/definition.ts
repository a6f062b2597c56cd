import { topics } from '@tsunagu/contracts';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { AppModule } from './app.module.js';
import { type LedgerConfig, readConfig } from './config.js';
import { upcasts } from './domain/event-versions.js';
import { placeOf } from './domain/stream-place.js';
import { doubleEntryProjection } from './projections/double-entry.js';
import { entriesProjection } from './projections/entries.js';
import { fundLeasesProjection } from './projections/fund-leases.js';
import { fundsProjection } from './projections/funds.js';
import { lotsProjection } from './projections/lots.js';
import { openHoldsProjection } from './projections/open-holds.js';
import { carryOversProjection, proposalsProjection } from './projections/proposals.js';

export const definition: ServiceDefinition<LedgerConfig> = {
  name: 'point-ledger',
  segments: ['point-ledger'],
  schema: 'point_ledger',
  migrations: new URL('./migrations/', import.meta.url),
  consumes: [topics.claim, topics.exchange],
  config: readConfig,
  needs: ['atomicStreams'],
  projections: [
    fundsProjection,
    fundLeasesProjection,
    entriesProjection,
    doubleEntryProjection,
    openHoldsProjection,
    lotsProjection,
    proposalsProjection,
    carryOversProjection,
  ],
  upcasts,
  placeOf,
  module: () => AppModule,
};
