import { type DynamicModule, Module } from '@nestjs/common';
import { ProviderClient } from '@tsunagu/provider-client';
import { currentKey, PARTS, type ServiceParts } from '@tsunagu/service-host';
import { Rewrapping, VaultMasters } from '@tsunagu/vault';
import type { ExchangeConfig } from './config.js';
import { AccountEventsConsumer } from './consumers/account-events.js';
import { ExchangesController } from './http/exchanges.controller.js';
import { InternalController } from './http/internal.controller.js';
import { ProvidersController } from './http/providers.controller.js';
import { SettlementsController } from './http/settlements.controller.js';
import { OverdueSweeper } from './jobs/overdue.js';
import { BANK_VAULT, BankVault, vaultUse } from './outbound/bank-vault.js';
import { Bell } from './workflows/bell.js';
import { Closing } from './workflows/closing.js';
import { ExchangeWorkflow, PROVIDER_CALLS } from './workflows/exchange.js';
import { LedgerAnswers } from './workflows/ledger-answers.js';

@Module({})
class ExchangeSettlementModule {}

export function appModule(config: ExchangeConfig): DynamicModule {
  return {
    module: ExchangeSettlementModule,
    controllers: [
      ProvidersController,
      ExchangesController,
      SettlementsController,
      InternalController,
      AccountEventsConsumer,
    ],
    providers: [
      Bell,
      Closing,
      ExchangeWorkflow,
      LedgerAnswers,
      OverdueSweeper,
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
        provide: VaultMasters,
        inject: [PARTS],
        useFactory: ({ database, keyDirectory }: ServiceParts) => VaultMasters.open(database, keyDirectory, vaultUse),
      },
      {
        provide: BANK_VAULT,
        inject: [PARTS, VaultMasters],
        useFactory: ({ database }: ServiceParts, masters: VaultMasters) => new BankVault(database, masters),
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
