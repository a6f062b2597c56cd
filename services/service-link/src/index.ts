import { topics } from '@tsunagu/contracts';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { appModule } from './app.module.js';
import { readConfig, type ServiceLinkConfig } from './config.js';
import { upcasts } from './domain/event-versions.js';
import { linkChangesProjection } from './projections/link-changes.js';
import { linkErasuresProjection } from './projections/link-erasures.js';
import { linksProjection } from './projections/links.js';

export const definition: ServiceDefinition<ServiceLinkConfig> = {
  name: 'service-link',
  segments: ['service-link'],
  schema: 'service_link',
  migrations: new URL('./migrations/', import.meta.url),
  consumes: [topics.person],
  config: readConfig,
  needs: ['atomicStreams'],
  projections: [linksProjection, linkChangesProjection, linkErasuresProjection],
  upcasts,
  module: (config) => appModule(config),
};

// For `verify` and `replay`: the folds that the service decides on. For the command line: what the vault's master key wraps.
export { fold as foldLink, type Link, type LinkEvent } from './domain/link.js';
export { fold as foldProviderChoice, type ProviderChoiceEvent } from './domain/provider-choice.js';
export { fold as foldServiceAccount, type ServiceAccountEvent } from './domain/service-account.js';
export { vaultUse } from './outbound/link-vault.js';
