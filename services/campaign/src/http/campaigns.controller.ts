import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { appendOne, type EventLog } from '@tsunagu/event-store';
import { type Clock, derivedId, isId, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  EVENT_LOG,
  Idempotent,
  Problem,
  Public,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { campaignStream, decideDraft, stateAt, type Transition } from '../domain/campaign.js';
import { isOpenTo } from '../domain/programme.js';
import { Asking } from '../outbound/questions.js';
import { CampaignIndex } from '../projections/campaign-index.js';
import { toNewEvent } from '../recording.js';
import { CampaignLaunch, entityTag, type KnownCampaign } from '../workflows/campaign-launch.js';
import { Programmes } from '../workflows/programmes.js';
import { CampaignBody, draftErrors, draftOf } from './campaign-draft.js';
import { ownerOf, type Reply } from './staff.js';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 100;

class CampaignsQuery {
  @ApiPropertyOptional({ type: String, description: 'nextCursor of the page before' })
  @IsOptional()
  @Matches(/^[1-9]\d{0,14}$/, { message: 'cursor must be a nextCursor of this list' })
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  limit?: number;
}

@ApiTags('campaigns')
@Controller('campaign/v1/campaigns')
export class CampaignsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly launch: CampaignLaunch,
    private readonly programmes: Programmes,
    private readonly index: CampaignIndex,
    private readonly asking: Asking,
  ) {}

  @Post()
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Draft a campaign with its measures' })
  async draft(
    @Body() body: CampaignBody,
    @CurrentCaller() caller: Caller,
    @CreatedId() campaignId: string,
    @CorrelationId() correlationId: string,
  ) {
    const errors = draftErrors(body);
    if (errors.length > 0) throw new Problem({ code: 'request.invalid', errors });
    const ownerId = ownerOf(caller);
    // An earlier call with the same key may have got this far and no further.
    const before = await this.launch.find(campaignId);
    if (before) return this.view(before);
    const { facts, measures } = draftOf(body, campaignId, ownerId);
    await this.checkProgramme(facts.programmeId, ownerId);
    await this.checkFunds(body, ownerId, facts.dryRun);
    const cause = { correlationId, causationId: null, actor: caller.actor, ownerId };
    const events = decideDraft(facts, measures, isoTime(this.clock.now())).map((event, i) =>
      toNewEvent(derivedId(`draft event ${i}`, campaignId), event, cause),
    );
    await appendOne(this.log, {
      writes: [{ stream: campaignStream(campaignId), expectedRevision: 'noStream', events }],
    });
    await this.index.settle();
    return this.found(campaignId);
  }

  @Get()
  @Public()
  @ApiOperation({ summary: 'Campaigns of all owners, newest first' })
  async list(@Query() query: CampaignsQuery) {
    const limit = query.limit ?? PAGE_DEFAULT;
    const page = await this.index.page(query.cursor === undefined ? undefined : Number(query.cursor), limit);
    const campaigns = await this.launch.findAll(page.campaignIds);
    return { campaigns: campaigns.map((known) => this.view(known)), ...cursorMember(page.nextPosition) };
  }

  @Get(':campaignId')
  @Public()
  @Header('Cache-Control', 'no-cache')
  @ApiOperation({ summary: 'One campaign' })
  async get(@Param('campaignId') campaignId: string, @Res({ passthrough: true }) reply: Reply) {
    const known = isId(campaignId) ? await this.launch.find(campaignId) : undefined;
    if (!known) throw new Problem({ code: 'request.not_found' });
    reply.header('ETag', entityTag(known, isoTime(this.clock.now())));
    return this.view(known);
  }

  @Post(':campaignId/open')
  @HttpCode(200)
  @Roles('operator')
  @ApiOperation({ summary: 'Open a draft: at once, or by the clock where opensAt is still to come' })
  open(
    @Param('campaignId') id: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Headers('if-match') ifMatch?: string,
  ) {
    return this.turn(id, 'open', caller, correlationId, ifMatch);
  }

  @Post(':campaignId/pause')
  @HttpCode(200)
  @Roles('operator')
  @ApiOperation({ summary: 'Take no claims from now on until it is resumed' })
  pause(
    @Param('campaignId') id: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Headers('if-match') ifMatch?: string,
  ) {
    return this.turn(id, 'pause', caller, correlationId, ifMatch);
  }

  @Post(':campaignId/resume')
  @HttpCode(200)
  @Roles('operator')
  @ApiOperation({ summary: 'Go on after a pause' })
  resume(
    @Param('campaignId') id: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Headers('if-match') ifMatch?: string,
  ) {
    return this.turn(id, 'resume', caller, correlationId, ifMatch);
  }

  @Post(':campaignId/close')
  @HttpCode(200)
  @Roles('operator')
  @ApiOperation({ summary: 'Take no claims any more' })
  close(
    @Param('campaignId') id: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Headers('if-match') ifMatch?: string,
  ) {
    return this.turn(id, 'close', caller, correlationId, ifMatch);
  }

  private async turn(
    campaignId: string,
    transition: Transition,
    caller: Caller,
    correlationId: string,
    ifMatch: string | undefined,
  ) {
    if (!isId(campaignId)) throw new Problem({ code: 'request.not_found' });
    const by = { ownerId: ownerOf(caller), actor: caller.actor, correlationId };
    return this.view(valueOrProblem(await this.launch.turn(campaignId, transition, by, ifMatch)));
  }

  private async found(campaignId: string) {
    const known = await this.launch.find(campaignId);
    if (!known) throw new Error('a campaign that was drafted a moment ago is not there');
    return this.view(known);
  }

  private async checkProgramme(programmeId: string, ownerId: string): Promise<void> {
    const programme = await this.programmes.find(programmeId);
    if (!programme || !isOpenTo(programme, ownerId)) throw new Problem({ code: 'campaign.programme_unknown' });
  }

  /** An unknown fund, another owner's and one of the wrong kind get the same answer: whose funds there are is not told. */
  private async checkFunds({ measures }: CampaignBody, ownerId: string, dryRun: boolean): Promise<void> {
    const fundIds = [...new Set(measures.map(({ fundId }) => fundId))];
    const funds = await Promise.all(fundIds.map((id) => (isId(id) ? this.asking.fund(id) : undefined)));
    const wrong = new Set(fundIds.filter((_, i) => funds[i]?.ownerId !== ownerId || funds[i]?.dryRun !== dryRun));
    if (wrong.size === 0) return;
    const errors = measures.flatMap(({ fundId }, i) =>
      wrong.has(fundId)
        ? { field: `measures.${i}.fundId`, code: 'mismatch', message: 'no such fund, or its dryRun differs' }
        : [],
    );
    throw new Problem({ code: 'campaign.fund_mismatch', errors });
  }

  private view({ campaign, createdAt, revision }: KnownCampaign) {
    const state = stateAt(campaign, isoTime(this.clock.now()));
    return { ...campaign, state, createdAt, revision };
  }
}

export function cursorMember(nextPosition: number | undefined) {
  return nextPosition === undefined ? {} : { nextCursor: String(nextPosition) };
}
