import { topics } from '@tsunagu/contracts';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { AppModule } from './app.module.js';
import { type CampaignConfig, campaignConfig } from './config.js';
import { upcasts } from './domain/event-versions.js';
import { campaignsProjection } from './projections/campaigns.js';
import { claimsProjection } from './projections/claims.js';
import { doubledGrantsProjection } from './projections/doubled-grants.js';
import { personMergesProjection } from './projections/merges.js';

export const definition: ServiceDefinition<CampaignConfig> = {
  name: 'campaign',
  segments: ['campaign'],
  schema: 'campaign',
  migrations: new URL('./migrations/', import.meta.url),
  consumes: [topics.account, topics.person],
  config: campaignConfig,
  projections: [campaignsProjection, claimsProjection, personMergesProjection, doubledGrantsProjection],
  upcasts,
  module: () => AppModule,
};
