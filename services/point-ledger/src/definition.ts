import { topics } from '@tsunagu/contracts';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { AppModule } from './app.module.js';
import { type LedgerConfig, readConfig } from './config.js';
import { upcasts } from './domain/event-versions.js';
import { placeOf } from './domain/stream-place.js';
import { listBytesMax, listMediaTypes } from './files/list-file.js';
import { doubleEntryProjection } from './projections/double-entry.js';
import { entriesProjection } from './projections/entries.js';
import { fundLeasesProjection } from './projections/fund-leases.js';
import { fundsProjection } from './projections/funds.js';
import { listsProjection } from './projections/lists.js';
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
    listsProjection,
  ],
  uploads: [
    {
      method: 'PUT',
      path: /^\/point-ledger\/v1\/lists\/[^/]+\/rows$/,
      mediaTypes: Object.keys(listMediaTypes),
      bytesMax: listBytesMax,
    },
  ],
  upcasts,
  placeOf,
  module: () => AppModule,
};
