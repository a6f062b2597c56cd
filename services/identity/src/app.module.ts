import { type DynamicModule, Module } from '@nestjs/common';
import { loadOrCreateKey, METRICS, PARTS, type ServiceParts } from '@tsunagu/service-host';
import type { Registry } from 'prom-client';
import type { IdentityConfig } from './config.js';
import { ChallengesController } from './http/challenges.controller.js';
import { InternalController } from './http/internal.controller.js';
import { JwksController } from './http/jwks.controller.js';
import { CITIZEN_KEY, SessionsController } from './http/sessions.controller.js';
import { Forgetting } from './jobs/forgetting.js';
import { identityKeys } from './keys.js';
import { Challenges } from './outbound/challenges.js';
import { HttpIssuer } from './outbound/http-issuer.js';
import { SessionEnds } from './outbound/session-ends.js';
import { Vault } from './outbound/vault.js';
import { readTrustedAuthorities } from './verification/trusted-authorities.js';
import { FindingPerson } from './workflows/finding-person.js';
import { SigningIn } from './workflows/signing-in.js';

@Module({})
class IdentityModule {}

export function appModule(config: IdentityConfig): DynamicModule {
  const authorities = readTrustedAuthorities(config.trustedAuthorities);
  return {
    module: IdentityModule,
    controllers: [ChallengesController, SessionsController, JwksController, InternalController],
    providers: [
      Forgetting,
      {
        provide: CITIZEN_KEY,
        inject: [PARTS],
        useFactory: ({ keyDirectory }: ServiceParts) => loadOrCreateKey(keyDirectory, 'citizen', 'RS256'),
      },
      {
        provide: Challenges,
        inject: [PARTS],
        useFactory: ({ database, clock }: ServiceParts) => new Challenges(database, clock),
      },
      {
        provide: SessionEnds,
        inject: [PARTS],
        useFactory: ({ database, clock }: ServiceParts) => new SessionEnds(database, clock),
      },
      {
        provide: Vault,
        inject: [PARTS],
        useFactory: async ({ database, keyDirectory }: ServiceParts) =>
          new Vault(database, await identityKeys(keyDirectory)),
      },
      {
        provide: SigningIn,
        inject: [PARTS, METRICS, Challenges, Vault],
        useFactory: (
          { clock, log, logger, profile }: ServiceParts,
          registry: Registry,
          challenges: Challenges,
          vault: Vault,
        ) =>
          new SigningIn({
            challenges,
            finding: new FindingPerson(log, vault, clock),
            issuer: new HttpIssuer({
              baseUrl: config.issuerUrl,
              listCacheMs: config.listCacheMs,
              breakMs: config.issuerBreakMs,
              clock,
              logger,
              registry,
            }),
            authorities,
            clock,
            profile,
          }),
      },
    ],
  };
}
