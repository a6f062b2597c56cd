import { type DynamicModule, Module } from '@nestjs/common';
import { loadOrCreateKey, PARTS, type ServiceParts } from '@tsunagu/service-host';
import type { IdentityConfig } from './config.js';
import { ChallengesController } from './http/challenges.controller.js';
import { InternalController } from './http/internal.controller.js';
import { JwksController } from './http/jwks.controller.js';
import { NationalLoginController } from './http/national-login.controller.js';
import { CITIZEN_KEY, SessionsController } from './http/sessions.controller.js';
import { Forgetting } from './jobs/forgetting.js';
import { identityKeys } from './keys.js';
import { nationalLoginProviders } from './national-login.js';
import { Challenges } from './outbound/challenges.js';
import { Issuer } from './outbound/issuer.js';
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
    controllers: [
      ChallengesController,
      SessionsController,
      NationalLoginController,
      JwksController,
      InternalController,
    ],
    providers: [
      Forgetting,
      ...nationalLoginProviders(config.login),
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
        provide: FindingPerson,
        inject: [PARTS, Vault],
        useFactory: ({ log, clock }: ServiceParts, vault: Vault) => new FindingPerson(log, vault, clock),
      },
      {
        provide: SigningIn,
        inject: [PARTS, Challenges, FindingPerson],
        useFactory: ({ clock, logger, profile }: ServiceParts, challenges: Challenges, finding: FindingPerson) =>
          new SigningIn({
            challenges,
            finding,
            issuer: new Issuer({ baseUrl: config.issuerUrl, listCacheMs: config.listCacheMs, clock, logger }),
            authorities,
            clock,
            profile,
          }),
      },
    ],
  };
}
