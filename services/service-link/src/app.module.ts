import { type DynamicModule, Module } from '@nestjs/common';
import { ProviderClient } from '@tsunagu/provider-client';
import { currentKey, loadOrCreateSecret, PARTS, type ServiceParts } from '@tsunagu/service-host';
import { Rewrapping, secretKey, VaultMasters } from '@tsunagu/vault';
import type { ServiceLinkConfig } from './config.js';
import { PersonEventsConsumer } from './consumers/person-events.js';
import { DisputesController } from './http/disputes.controller.js';
import { InternalController } from './http/internal.controller.js';
import { LinkActsController } from './http/link-acts.controller.js';
import { LinkChangesController } from './http/link-changes.controller.js';
import { LinkErasuresController } from './http/link-erasures.controller.js';
import { LinkReturnController } from './http/link-return.controller.js';
import { LinksController } from './http/links.controller.js';
import { PairwiseLookupsController } from './http/pairwise-lookups.controller.js';
import { LinkErasures } from './jobs/link-erasures.js';
import { realWaiting, type Waiting } from './outbound/answer-floor.js';
import { CodeAttempts } from './outbound/code-attempts.js';
import { LinkVault, vaultUse } from './outbound/link-vault.js';
import { AccountCheck } from './workflows/account-check.js';
import { Acting } from './workflows/acting.js';
import { ErasingLinks } from './workflows/erasing-links.js';
import { LinkActs } from './workflows/link-acts.js';
import { LinkChanges } from './workflows/link-changes.js';
import { CODE_ATTEMPTS, LINK_VAULT, Linking, PROVIDER_CALLS, WAITING } from './workflows/linking.js';

@Module({})
class ServiceLinkModule {}

export function appModule(config: ServiceLinkConfig, waiting: Waiting = realWaiting): DynamicModule {
  return {
    module: ServiceLinkModule,
    controllers: [
      LinksController,
      LinkReturnController,
      LinkActsController,
      LinkChangesController,
      DisputesController,
      PairwiseLookupsController,
      LinkErasuresController,
      InternalController,
      PersonEventsConsumer,
    ],
    providers: [
      Acting,
      AccountCheck,
      ErasingLinks,
      LinkErasures,
      LinkActs,
      LinkChanges,
      Linking,
      { provide: WAITING, useValue: waiting },
      {
        provide: CODE_ATTEMPTS,
        inject: [PARTS],
        useFactory: ({ database }: ServiceParts) => new CodeAttempts(database, config.codeAttempts),
      },
      {
        provide: PROVIDER_CALLS,
        inject: [PARTS],
        useFactory: ({ keyDirectory, profile }: ServiceParts) =>
          new ProviderClient({
            key: currentKey(keyDirectory, 'provider', 'Ed25519'),
            allowedHosts: config.providerHosts,
            loopbackAllowed: profile === 'test',
          }),
      },
      {
        provide: LINK_VAULT,
        inject: [PARTS, VaultMasters],
        useFactory: async ({ keyDirectory, database }: ServiceParts, masters: VaultMasters) =>
          new LinkVault(database, masters, secretKey(await loadOrCreateSecret(keyDirectory, 'service-link-accounts'))),
      },
      {
        provide: VaultMasters,
        inject: [PARTS],
        useFactory: ({ database, keyDirectory }: ServiceParts) => VaultMasters.open(database, keyDirectory, vaultUse),
      },
      {
        provide: Rewrapping,
        inject: [PARTS, VaultMasters],
        useFactory: ({ database, logger }: ServiceParts, masters: VaultMasters) =>
          new Rewrapping({ database, logger, masters, everyMs: config.rewrapSeconds * 1_000 }),
      },
    ],
  };
}
