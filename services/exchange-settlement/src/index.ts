import { topics } from '@tsunagu/contracts';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { appModule } from './app.module.js';
import { type ExchangeConfig, readConfig } from './config.js';
import { upcasts } from './domain/event-versions.js';
import { exchangeBook } from './projections/exchange-book.js';
import { providersProjection } from './projections/providers.js';

export const definition: ServiceDefinition<ExchangeConfig> = {
  name: 'exchange-settlement',
  segments: ['exchange', 'settlement'],
  schema: 'exchange_settlement',
  migrations: new URL('./migrations/', import.meta.url),
  consumes: [topics.account],
  config: readConfig,
  needs: ['atomicStreams'],
  projections: [providersProjection, exchangeBook],
  upcasts,
  module: appModule,
};

// For `verify` and `replay`: the folds that the service decides on, and the files again from what was recorded.
export {
  type Exchange,
  type ExchangeEvent,
  fold as foldExchange,
  outcomeOf as outcomeOfExchange,
} from './domain/exchange.js';
export { fold as foldProvider, type ProviderEvent } from './domain/provider.js';
export { fold as foldSettlement, type Settlement, type SettlementEvent } from './domain/settlement.js';
export { BankVault, vaultUse } from './outbound/bank-vault.js';
export { registerSimulatedProvider, simulatedProviderId } from './simulated-provider.js';
export { renderSettlement } from './workflows/settlement-reader.js';
