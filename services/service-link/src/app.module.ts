import { type DynamicModule, Module } from '@nestjs/common';
import { ProviderClient } from '@tsunagu/provider-client';
import { currentKey, loadOrCreateSecret, PARTS, type ServiceParts } from '@tsunagu/service-host';
import { secretKey } from '@tsunagu/vault';
import type { ServiceLinkConfig } from './config.js';
import { InternalController } from './http/internal.controller.js';
import { LinksController } from './http/links.controller.js';
import { LinkVault } from './outbound/link-vault.js';
import { LINK_VAULT, Linking, PROVIDER_CALLS } from './workflows/linking.js';

@Module({})
class ServiceLinkModule {}

export function appModule(config: ServiceLinkConfig): DynamicModule {
  return {
    module: ServiceLinkModule,
    controllers: [LinksController, InternalController],
    providers: [
      Linking,
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
        inject: [PARTS],
        useFactory: async ({ keyDirectory, database }: ServiceParts) =>
          new LinkVault(
            database,
            secretKey(await loadOrCreateSecret(keyDirectory, 'service-link-vault')),
            secretKey(await loadOrCreateSecret(keyDirectory, 'service-link-accounts')),
          ),
      },
    ],
  };
}
