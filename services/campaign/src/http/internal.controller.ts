import { Controller, Get, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import { Problem, Roles } from '@tsunagu/service-host';
import { ClaimIndex } from '../projections/claim-index.js';
import { CampaignLaunch } from '../workflows/campaign-launch.js';

/** What other services ask. Answers come from streams, or from an index once it holds all that is recorded. */
@ApiExcludeController()
@Controller('campaign/internal/v1')
@Roles('service')
export class InternalController {
  constructor(
    private readonly launch: CampaignLaunch,
    private readonly claims: ClaimIndex,
  ) {}

  /** Whose measure it is: a list of the ledger grants it to people who made no claim. */
  @Get('campaigns/:campaignId/measures/:measureId')
  async measure(@Param('campaignId') campaignId: string, @Param('measureId') measureId: string) {
    const known = isId(campaignId) ? await this.launch.find(campaignId) : undefined;
    const measure = known?.campaign.measures.find((each) => each.measureId === measureId);
    if (!known || !measure) throw new Problem({ code: 'request.not_found' });
    const { ownerId, programmeId, dryRun } = known.campaign;
    return { campaignId, measureId, ownerId, programmeId, dryRun };
  }

  /** Whether a person has a claim in a programme that was granted or still can be: then a link may no longer be changed. */
  @Get('programmes/:programmeId/claims-of/:personId')
  async claimed(@Param('programmeId') programmeId: string, @Param('personId') personId: string) {
    if (!isId(personId)) throw new Problem({ code: 'request.not_found' });
    return { claimed: await this.claims.hasClaimed(programmeId, personId) };
  }
}
