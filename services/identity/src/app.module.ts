import { type DynamicModule, Module } from '@nestjs/common';
import { currentKey, PARTS, type ServiceParts } from '@tsunagu/service-host';
import type { IdentityConfig } from './config.js';
import { ChallengesController } from './http/challenges.controller.js';
import { ClientsController } from './http/clients.controller.js';
import { InternalController } from './http/internal.controller.js';
import { JwksController } from './http/jwks.controller.js';
import { NationalLoginController } from './http/national-login.controller.js';
import { CITIZEN_KEY, SessionsController } from './http/sessions.controller.js';
import { STAFF_KEY, TokenController } from './http/token.controller.js';
import { Forgetting } from './jobs/forgetting.js';
import { identityKeys } from './keys.js';
import { nationalLoginProviders } from './national-login.js';
import { Challenges } from './outbound/challenges.js';
import { ClientAssertions } from './outbound/client-assertions.js';
import { Issuer } from './outbound/issuer.js';
import { SessionEnds } from './outbound/session-ends.js';
import { Vault } from './outbound/vault.js';
import { readTrustedAuthorities } from './verification/trusted-authorities.js';
import { Clients } from './workflows/clients.js';
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
      ClientsController,
      TokenController,
    ],
    providers: [
      Forgetting,
      ...nationalLoginProviders(config.login),
      {
        provide: CITIZEN_KEY,
        inject: [PARTS],
        useFactory: ({ keyDirectory }: ServiceParts) => currentKey(keyDirectory, 'citizen', 'RS256'),
      },
      {
        provide: STAFF_KEY,
        inject: [PARTS],
        useFactory: ({ keyDirectory }: ServiceParts) => currentKey(keyDirectory, 'staff', 'RS256'),
      },
      {
        provide: Clients,
        inject: [PARTS],
        useFactory: ({ log, database, clock }: ServiceParts) => new Clients(log, database, clock),
      },
      {
        provide: ClientAssertions,
        inject: [PARTS],
        useFactory: ({ database, clock }: ServiceParts) => new ClientAssertions(database, clock),
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
