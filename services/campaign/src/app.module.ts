import { Module } from '@nestjs/common';
import { AccountEvents } from './consumers/account-events.js';
import { PersonEvents } from './consumers/person-events.js';
import { CampaignsController } from './http/campaigns.controller.js';
import { ClaimEnds } from './http/claim-ends.js';
import { ClaimProofController } from './http/claim-proof.controller.js';
import { ClaimReplayController } from './http/claim-replay.controller.js';
import { ClaimsController } from './http/claims.controller.js';
import { DoubledGrantsController } from './http/doubled-grants.controller.js';
import { InternalController } from './http/internal.controller.js';
import { ProgrammesController } from './http/programmes.controller.js';
import { CampaignClock } from './jobs/campaign-clock.js';
import { HeldClaims } from './jobs/held-claims.js';
import { OverdueClaims } from './jobs/overdue-claims.js';
import { Asking } from './outbound/questions.js';
import { CampaignIndex } from './projections/campaign-index.js';
import { ClaimIndex } from './projections/claim-index.js';
import { MergeIndex } from './projections/merge-index.js';
import { CampaignLaunch } from './workflows/campaign-launch.js';
import { Claiming } from './workflows/claiming.js';
import { DoubledGrants } from './workflows/doubled-grants.js';
import { IdentityOutcomes } from './workflows/identity-outcomes.js';
import { LedgerAnswers } from './workflows/ledger-answers.js';
import { PersonNotes } from './workflows/person-notes.js';
import { Programmes } from './workflows/programmes.js';
import { ReopenCheck } from './workflows/reopen-check.js';
import { Reopening } from './workflows/reopening.js';

@Module({
  controllers: [
    ProgrammesController,
    CampaignsController,
    ClaimsController,
    ClaimProofController,
    ClaimReplayController,
    InternalController,
    DoubledGrantsController,
    AccountEvents,
    PersonEvents,
  ],
  providers: [
    Asking,
    CampaignIndex,
    ClaimIndex,
    MergeIndex,
    ClaimEnds,
    Programmes,
    CampaignLaunch,
    Claiming,
    LedgerAnswers,
    PersonNotes,
    ReopenCheck,
    Reopening,
    IdentityOutcomes,
    DoubledGrants,
    CampaignClock,
    OverdueClaims,
    HeldClaims,
  ],
})
export class AppModule {}
