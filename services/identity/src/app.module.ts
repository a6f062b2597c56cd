import { type DynamicModule, Module } from '@nestjs/common';
import { loadOrCreateKey, PARTS, type ServiceParts } from '@tsunagu/service-host';
import type { IdentityConfig } from './config.js';
import { ChallengesController } from './http/challenges.controller.js';
import { FreezeController } from './http/freeze.controller.js';
import { InternalController } from './http/internal.controller.js';
import { JwksController } from './http/jwks.controller.js';
import { KioskController } from './http/kiosk.controller.js';
import { MemberServicesController } from './http/member-services.controller.js';
import { MembershipsController } from './http/memberships.controller.js';
import { MyKeyIdsController } from './http/my-key-ids.controller.js';
import { ProofsController } from './http/proofs.controller.js';
import { CITIZEN_KEY, SessionsController } from './http/sessions.controller.js';
import { SignalsController } from './http/signals.controller.js';
import { TerminalSessionsController } from './http/terminal-sessions.controller.js';
import { Forgetting } from './jobs/forgetting.js';
import { identityKeys } from './keys.js';
import { Challenges } from './outbound/challenges.js';
import { Issuer } from './outbound/issuer.js';
import { KeptCertificates } from './outbound/kept-certificates.js';
import { SessionEnds } from './outbound/session-ends.js';
import { Vault } from './outbound/vault.js';
import { readTrustedAuthorities } from './verification/trusted-authorities.js';
import { FindingPerson } from './workflows/finding-person.js';
import { Memberships } from './workflows/memberships.js';
import { MyKeyIds } from './workflows/my-key-ids.js';
import { Proving } from './workflows/proving.js';
import { SigningIn } from './workflows/signing-in.js';
import { TerminalSessions } from './workflows/terminal-sessions.js';

@Module({})
class IdentityModule {}

export function appModule(config: IdentityConfig): DynamicModule {
  const authorities = readTrustedAuthorities(config.trustedAuthorities);
  return {
    module: IdentityModule,
    controllers: [
      ChallengesController,
      SessionsController,
      JwksController,
      InternalController,
      ProofsController,
      FreezeController,
      MyKeyIdsController,
      TerminalSessionsController,
      SignalsController,
      MembershipsController,
      MemberServicesController,
      KioskController,
    ],
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
        provide: Issuer,
        inject: [PARTS],
        useFactory: ({ clock, logger }: ServiceParts) =>
          new Issuer({ baseUrl: config.issuerUrl, listCacheMs: config.listCacheMs, clock, logger }),
      },
      {
        provide: KeptCertificates,
        inject: [Vault],
        useFactory: (vault: Vault) => new KeptCertificates(vault),
      },
      {
        provide: SigningIn,
        inject: [PARTS, Challenges, Vault, Issuer],
        useFactory: ({ clock, log, profile }: ServiceParts, challenges: Challenges, vault: Vault, issuer: Issuer) =>
          new SigningIn({
            challenges,
            finding: new FindingPerson(log, vault, clock),
            issuer,
            authorities,
            clock,
            profile,
          }),
      },
      {
        provide: Proving,
        inject: [PARTS, Challenges, Vault, KeptCertificates, Issuer],
        useFactory: (
          { clock, log }: ServiceParts,
          challenges: Challenges,
          vault: Vault,
          kept: KeptCertificates,
          issuer: Issuer,
        ) => new Proving({ log, challenges, vault, kept, issuer, authorities, clock, heldDays: config.heldProofDays }),
      },
      {
        provide: MyKeyIds,
        inject: [PARTS, Vault, KeptCertificates],
        useFactory: ({ clock, log }: ServiceParts, vault: Vault, kept: KeptCertificates) =>
          new MyKeyIds({ log, vault, kept, clock, rules: config.myKeyIdRules }),
      },
      {
        provide: TerminalSessions,
        inject: [PARTS, Vault, KeptCertificates, SigningIn, Proving, SessionEnds],
        useFactory: (
          { clock, log }: ServiceParts,
          vault: Vault,
          kept: KeptCertificates,
          signingIn: SigningIn,
          proving: Proving,
          sessionEnds: SessionEnds,
        ) => {
          const { twoCardsSeconds } = config;
          return new TerminalSessions({ log, clock, vault, kept, signingIn, proving, sessionEnds, twoCardsSeconds });
        },
      },
      {
        provide: Memberships,
        inject: [PARTS, Vault],
        useFactory: ({ clock, log }: ServiceParts, vault: Vault) => new Memberships(log, vault, clock),
      },
    ],
  };
}
