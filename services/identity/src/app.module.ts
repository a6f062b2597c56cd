import { type DynamicModule, Module } from '@nestjs/common';
import { loadOrCreateKey, PARTS, PROJECTIONS, type ProjectionReader, type ServiceParts } from '@tsunagu/service-host';
import type { IdentityConfig } from './config.js';
import { ChallengesController } from './http/challenges.controller.js';
import { InternalController } from './http/internal.controller.js';
import { JwksController } from './http/jwks.controller.js';
import { PersonsController } from './http/persons.controller.js';
import { ReviewsController } from './http/reviews.controller.js';
import { CITIZEN_KEY, SessionsController } from './http/sessions.controller.js';
import { Forgetting } from './jobs/forgetting.js';
import { LikelyDoubles } from './jobs/likely-doubles.js';
import { identityKeys } from './keys.js';
import { Challenges } from './outbound/challenges.js';
import { Issuer } from './outbound/issuer.js';
import { Looks } from './outbound/looks.js';
import { SessionEnds } from './outbound/session-ends.js';
import { Vault } from './outbound/vault.js';
import { ReviewIndex } from './projections/review-index.js';
import { readTrustedAuthorities } from './verification/trusted-authorities.js';
import { Contradictions } from './workflows/contradictions.js';
import { FindingPerson } from './workflows/finding-person.js';
import { Merging } from './workflows/merging.js';
import { RecordingAttributes } from './workflows/recording-attributes.js';
import { Reviewing } from './workflows/reviewing.js';
import { SigningIn } from './workflows/signing-in.js';
import { Survivors } from './workflows/survivors.js';

@Module({})
class IdentityModule {}

export function appModule(config: IdentityConfig): DynamicModule {
  const authorities = readTrustedAuthorities(config.trustedAuthorities);
  return {
    module: IdentityModule,
    controllers: [
      ChallengesController,
      SessionsController,
      ReviewsController,
      PersonsController,
      JwksController,
      InternalController,
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
        provide: Survivors,
        inject: [PARTS],
        useFactory: ({ log }: ServiceParts) => new Survivors(log),
      },
      {
        provide: Looks,
        inject: [PARTS],
        useFactory: ({ database, clock }: ServiceParts) => new Looks(database, clock),
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
        provide: Reviewing,
        inject: [PARTS, Survivors, Merging],
        useFactory: ({ log, clock }: ServiceParts, survivors: Survivors, merging: Merging) =>
          new Reviewing(log, clock, survivors, merging),
      },
      {
        provide: LikelyDoubles,
        inject: [PARTS, ReviewIndex, Survivors],
        useFactory: ({ log, clock, logger }: ServiceParts, index: ReviewIndex, survivors: Survivors) =>
          new LikelyDoubles({ log, clock, logger, index, survivors, everyMs: config.detectorSeconds * 1_000 }),
      },
      {
        provide: SigningIn,
        inject: [PARTS, Challenges, Vault, Survivors, RecordingAttributes],
        useFactory: (
          { clock, log, logger, profile }: ServiceParts,
          challenges: Challenges,
          vault: Vault,
          survivors: Survivors,
          recording: RecordingAttributes,
        ) =>
          new SigningIn({
            challenges,
            finding: new FindingPerson(log, vault, clock, survivors, new Contradictions(log, clock)),
            recording,
            issuer: new Issuer({ baseUrl: config.issuerUrl, listCacheMs: config.listCacheMs, clock, logger }),
            authorities,
            clock,
            profile,
          }),
      },
    ],
  };
}
