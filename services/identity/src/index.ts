import type { ServiceDefinition } from '@tsunagu/service-host';
import { appModule } from './app.module.js';
import { type IdentityConfig, readConfig } from './config.js';
import { upcasts } from './domain/event-versions.js';
import { clientsProjection } from './projections/clients.js';
import { erasuresProjection } from './projections/erasures.js';
import { membershipsProjection } from './projections/memberships.js';
import { personLikenessProjection } from './projections/person-likeness.js';
import { reviewsProjection } from './projections/reviews.js';
import { signalsProjection } from './projections/signals.js';
import { webhookServicesProjection } from './projections/webhook-services.js';

export const definition: ServiceDefinition<IdentityConfig> = {
  name: 'identity',
  segments: ['identity', '.well-known', 'kiosk'],
  schema: 'identity',
  migrations: new URL('./migrations/', import.meta.url),
  consumes: [],
  forms: ['/identity/v1/token'],
  config: readConfig,
  needs: ['atomicStreams'],
  projections: [
    clientsProjection,
    erasuresProjection,
    membershipsProjection,
    personLikenessProjection,
    reviewsProjection,
    signalsProjection,
    webhookServicesProjection,
  ],
  upcasts,
  module: appModule,
};

// For the command line: tokens of registered persons, the folds that the service decides on, and what the vault's master key wraps.
export { sessionSeconds, signCitizenToken } from './citizen-token.js';
export { type CertificateBound, personOf } from './domain/certificate.js';
export { holderOf, type MyKeyIdEvent, type MyKeyIdReserved } from './domain/my-key-id.js';
export { fold as foldPerson, type Person, type PersonEvent } from './domain/person.js';
export { vaultUse } from './keys.js';
export { registerTestPersons, type TestPersonOptions, type TestPersonParts } from './test-persons.js';
