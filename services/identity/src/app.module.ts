import { type DynamicModule, Module } from '@nestjs/common';
import { ProviderClient } from '@tsunagu/provider-client';
import {
  currentKey,
  METRICS,
  PARTS,
  PROJECTIONS,
  type ProjectionReader,
  type ServiceParts,
  type SigningKey,
} from '@tsunagu/service-host';
import { Rewrapping, VaultMasters } from '@tsunagu/vault';
import type { Registry } from 'prom-client';
import type { IdentityConfig } from './config.js';
import { ChallengesController } from './http/challenges.controller.js';
import { ClientsController } from './http/clients.controller.js';
import { ConsentsController } from './http/consents.controller.js';
import { ErasuresController } from './http/erasures.controller.js';
import { FreezeController } from './http/freeze.controller.js';
import { InternalController } from './http/internal.controller.js';
import { InternalPairwiseController } from './http/internal-pairwise.controller.js';
import { JwksController } from './http/jwks.controller.js';
import { KioskController } from './http/kiosk.controller.js';
import { LooksController } from './http/looks.controller.js';
import { FEED_KEY, MemberServicesController } from './http/member-services.controller.js';
import { MembershipsController } from './http/memberships.controller.js';
import { MyKeyIdsController } from './http/my-key-ids.controller.js';
import { NationalLoginController } from './http/national-login.controller.js';
import { PersonsController } from './http/persons.controller.js';
import { ProofsController } from './http/proofs.controller.js';
import { ReviewsController } from './http/reviews.controller.js';
import { SessionsController } from './http/sessions.controller.js';
import { SignalsController } from './http/signals.controller.js';
import { StaffLoginsController } from './http/staff-logins.controller.js';
import { StaffSessionsController } from './http/staff-sessions.controller.js';
import { TerminalSessionsController } from './http/terminal-sessions.controller.js';
import { STAFF_KEY, TokenController } from './http/token.controller.js';
import { Forgetting } from './jobs/forgetting.js';
import { LikelyDoubles } from './jobs/likely-doubles.js';
import { TellingServices } from './jobs/telling-services.js';
import { UnfinishedErasures } from './jobs/unfinished-erasures.js';
import { identityKeys, vaultUse } from './keys.js';
import { nationalLoginProviders } from './national-login.js';
import { Challenges } from './outbound/challenges.js';
import { ClientAssertions } from './outbound/client-assertions.js';
import { HttpIssuer } from './outbound/http-issuer.js';
import { ISSUER, type Issuer } from './outbound/issuer.js';
import { KeptCertificates } from './outbound/kept-certificates.js';
import { Looks } from './outbound/looks.js';
import { SessionEnds } from './outbound/session-ends.js';
import { Vault } from './outbound/vault.js';
import { WebhookDeliveries } from './outbound/webhook-deliveries.js';
import { EndedMemberships } from './projections/ended-memberships.js';
import { ErasureIndex } from './projections/erasure-index.js';
import { ReviewIndex } from './projections/review-index.js';
import { staffLoginProviders } from './staff-login.js';
import { SignatureThreads } from './verification/signature-threads.js';
import { readTrustedAuthorities } from './verification/trusted-authorities.js';
import { CardChecks } from './workflows/card-checks.js';
import { Clients } from './workflows/clients.js';
import { Consents } from './workflows/consents.js';
import { Contradictions } from './workflows/contradictions.js';
import { Erasing } from './workflows/erasing.js';
import { FindingPerson } from './workflows/finding-person.js';
import { Memberships } from './workflows/memberships.js';
import { Merging } from './workflows/merging.js';
import { MyKeyIds } from './workflows/my-key-ids.js';
import { PairwiseIds } from './workflows/pairwise-ids.js';
import { Proving } from './workflows/proving.js';
import { RecordingAttributes } from './workflows/recording-attributes.js';
import { Reviewing } from './workflows/reviewing.js';
import { Sessions } from './workflows/sessions.js';
import { SigningIn } from './workflows/signing-in.js';
import { Survivors } from './workflows/survivors.js';
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
      NationalLoginController,
      StaffLoginsController,
      StaffSessionsController,
      ReviewsController,
      PersonsController,
      ErasuresController,
      LooksController,
      ConsentsController,
      ClientsController,
      TokenController,
      JwksController,
      InternalController,
      InternalPairwiseController,
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
      ...nationalLoginProviders(config.login, authorities),
      ...staffLoginProviders(config.staffLogin),
      {
        provide: STAFF_KEY,
        inject: [PARTS],
        useFactory: ({ keyDirectory }: ServiceParts) => currentKey(keyDirectory, 'staff', 'RS256'),
      },
      {
        provide: FEED_KEY,
        inject: [PARTS],
        useFactory: ({ keyDirectory }: ServiceParts) => currentKey(keyDirectory, 'feed', 'Ed25519'),
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
        provide: VaultMasters,
        inject: [PARTS],
        useFactory: ({ database, keyDirectory }: ServiceParts) => VaultMasters.open(database, keyDirectory, vaultUse),
      },
      {
        provide: Vault,
        inject: [PARTS, VaultMasters],
        useFactory: async ({ database, keyDirectory }: ServiceParts, masters: VaultMasters) =>
          new Vault(database, await identityKeys(keyDirectory), masters),
      },
      {
        provide: Rewrapping,
        inject: [PARTS, VaultMasters],
        useFactory: ({ database, logger }: ServiceParts, masters: VaultMasters) =>
          new Rewrapping({ database, logger, masters, everyMs: config.rewrapSeconds * 1_000 }),
      },
      {
        provide: SignatureThreads,
        useFactory: () => new SignatureThreads(authorities),
      },
      {
        provide: Survivors,
        inject: [PARTS],
        useFactory: ({ log }: ServiceParts) => new Survivors(log),
      },
      {
        provide: CardChecks,
        inject: [PARTS, KeptCertificates, Survivors, SessionEnds, ISSUER],
        useFactory: (
          { log, clock }: ServiceParts,
          kept: KeptCertificates,
          survivors: Survivors,
          sessionEnds: SessionEnds,
          issuer: Issuer,
        ) => new CardChecks({ log, kept, survivors, sessionEnds, issuer, authorities, clock }),
      },
      {
        provide: Sessions,
        inject: [PARTS, SessionEnds, Survivors, CardChecks],
        useFactory: (
          { keyDirectory, clock }: ServiceParts,
          ends: SessionEnds,
          survivors: Survivors,
          cardChecks: CardChecks,
        ) => new Sessions(currentKey(keyDirectory, 'citizen', 'RS256'), ends, survivors, cardChecks, clock),
      },
      {
        provide: Looks,
        inject: [PARTS],
        useFactory: ({ database, clock }: ServiceParts) => new Looks(database, clock),
      },
      {
        provide: Consents,
        inject: [PARTS, Vault, Survivors],
        useFactory: ({ log }: ServiceParts, vault: Vault, survivors: Survivors) => new Consents(log, vault, survivors),
      },
      {
        provide: ReviewIndex,
        inject: [PARTS, PROJECTIONS],
        useFactory: ({ database }: ServiceParts, projections: ProjectionReader) =>
          new ReviewIndex(database, projections),
      },
      {
        provide: RecordingAttributes,
        inject: [PARTS, Vault, Survivors],
        useFactory: ({ log, clock }: ServiceParts, vault: Vault, survivors: Survivors) =>
          new RecordingAttributes(log, vault, clock, survivors),
      },
      {
        provide: Merging,
        inject: [PARTS, SessionEnds, Vault, RecordingAttributes],
        useFactory: (
          { log, clock }: ServiceParts,
          sessionEnds: SessionEnds,
          vault: Vault,
          recording: RecordingAttributes,
        ) => new Merging(log, clock, sessionEnds, vault, recording),
      },
      {
        provide: Erasing,
        inject: [PARTS, SessionEnds, Vault, Survivors],
        useFactory: ({ log, clock }: ServiceParts, sessionEnds: SessionEnds, vault: Vault, survivors: Survivors) =>
          new Erasing(log, clock, sessionEnds, vault, survivors),
      },
      {
        provide: ErasureIndex,
        inject: [PARTS, PROJECTIONS],
        useFactory: ({ database }: ServiceParts, projections: ProjectionReader) =>
          new ErasureIndex(database, projections),
      },
      {
        provide: UnfinishedErasures,
        inject: [PARTS, ErasureIndex, Erasing],
        useFactory: ({ logger }: ServiceParts, index: ErasureIndex, erasing: Erasing) =>
          new UnfinishedErasures(index, erasing, logger),
      },
      {
        provide: Reviewing,
        inject: [PARTS, Survivors, Merging],
        useFactory: ({ log, clock }: ServiceParts, survivors: Survivors, merging: Merging) =>
          new Reviewing(log, clock, survivors, merging),
      },
      {
        provide: ISSUER,
        inject: [PARTS, METRICS],
        useFactory: ({ clock, logger }: ServiceParts, registry: Registry) =>
          new HttpIssuer({
            baseUrl: config.issuerUrl,
            listCacheMs: config.listCacheMs,
            breakMs: config.issuerBreakMs,
            clock,
            logger,
            registry,
          }),
      },
      {
        provide: KeptCertificates,
        inject: [Vault],
        useFactory: (vault: Vault) => new KeptCertificates(vault),
      },
      {
        provide: LikelyDoubles,
        inject: [PARTS, ReviewIndex, Survivors],
        useFactory: ({ log, clock, logger }: ServiceParts, index: ReviewIndex, survivors: Survivors) =>
          new LikelyDoubles({ log, clock, logger, index, survivors, everyMs: config.detectorSeconds * 1_000 }),
      },
      {
        provide: SigningIn,
        inject: [PARTS, ISSUER, Challenges, Vault, SignatureThreads, Survivors, RecordingAttributes, CardChecks],
        useFactory: (
          { clock, log, profile }: ServiceParts,
          issuer: Issuer,
          challenges: Challenges,
          vault: Vault,
          signatures: SignatureThreads,
          survivors: Survivors,
          recording: RecordingAttributes,
          cardChecks: CardChecks,
        ) =>
          new SigningIn({
            challenges,
            vault,
            cardChecks,
            finding: new FindingPerson(log, vault, clock, survivors, new Contradictions(log, clock)),
            recording,
            issuer,
            authorities,
            signatures,
            clock,
            profile,
          }),
      },
      {
        provide: Proving,
        inject: [PARTS, ISSUER, Challenges, Vault, KeptCertificates, Survivors, CardChecks],
        useFactory: (
          { clock, log }: ServiceParts,
          issuer: Issuer,
          challenges: Challenges,
          vault: Vault,
          kept: KeptCertificates,
          survivors: Survivors,
          cardChecks: CardChecks,
        ) => {
          const heldDays = config.heldProofDays;
          const trust = { issuer, authorities, cardChecks };
          return new Proving({ ...trust, log, challenges, vault, kept, survivors, clock, heldDays });
        },
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
        inject: [PARTS, Vault, Survivors],
        useFactory: ({ clock, log }: ServiceParts, vault: Vault, survivors: Survivors) =>
          new Memberships(log, vault, survivors, clock),
      },
      {
        provide: PairwiseIds,
        inject: [Survivors, Vault],
        useFactory: (survivors: Survivors, vault: Vault) => new PairwiseIds(survivors, vault),
      },
      {
        provide: EndedMemberships,
        inject: [PARTS, Memberships],
        useFactory: ({ database }: ServiceParts, memberships: Memberships) =>
          new EndedMemberships(database, memberships),
      },
      {
        provide: WebhookDeliveries,
        inject: [PARTS],
        useFactory: ({ database, clock }: ServiceParts) => new WebhookDeliveries(database, clock),
      },
      {
        provide: TellingServices,
        inject: [PARTS, FEED_KEY, Memberships, EndedMemberships, WebhookDeliveries],
        useFactory: (
          { clock, logger, profile }: ServiceParts,
          key: () => Promise<SigningKey>,
          memberships: Memberships,
          ended: EndedMemberships,
          deliveries: WebhookDeliveries,
        ) => {
          const calls = new ProviderClient({
            key,
            tag: 'tsunagu-webhook',
            allowedHosts: config.webhookHosts,
            loopbackAllowed: profile === 'test',
            timeoutMs: config.webhookTimeoutMs,
          });
          const everyMs = config.webhookEveryMs;
          return new TellingServices({ memberships, ended, deliveries, calls, clock, logger, everyMs });
        },
      },
    ],
  };
}
