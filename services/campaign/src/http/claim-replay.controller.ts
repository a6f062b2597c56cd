import { Controller, Get, Header, Inject, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  EVENT_LOG,
  LOGGER,
  noteLook,
  Problem,
  Roles,
} from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { entitlementStream } from '../domain/entitlement.js';
import { Asking } from '../outbound/questions.js';
import { ClaimIndex } from '../projections/claim-index.js';
import { type ClaimReplay, type ReplayStep, replayClaim } from '../workflows/claim-replay.js';

/** "Why did this person get this?": one claim from the logs, each decision on it made again. */
@ApiTags('claims')
@Controller('campaign/v1')
export class ClaimReplayController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly index: ClaimIndex,
    private readonly asking: Asking,
  ) {}

  @Get('claims/:claimId/replay')
  @Header('Cache-Control', 'no-store')
  @Roles('auditor')
  @ApiOperation({
    summary: "One claim from the campaign's and the ledger's log, each decision on it made again",
    description:
      'Answers every event that touched the claim or its lot, the recorded answers and the rule that decided, the postings, and ' +
      'for each decision whether deciding again gives the same, else the members that differ. Of an event that moved other ' +
      'lots as well only the part of this lot is shown, without the total. Each look is logged.',
  })
  @ApiResponse({
    status: 200,
    description: '{ claimId, state, rule, answers, events, same, … }; same: false is a finding',
  })
  @ApiResponse({ status: 404, description: 'There is no such claim of this owner' })
  @ApiResponse({ status: 503, description: 'The ledger does not answer' })
  async replay(
    @Param('claimId') claimId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ) {
    const row = isId(claimId) ? await this.index.find(claimId) : undefined;
    if (!row || row.ownerId !== caller.ownerId) throw new Problem({ code: 'request.not_found' });
    noteLook(this.logger, 'claim replayed', caller, { correlationId, claimId: row.claimId });
    const stream = entitlementStream(row.measureId, row.personId);
    const replayed = await replayClaim(this.log, stream, (question) => this.asking.replay(question));
    if (!replayed) throw new Error('a claim is listed that its stream does not know');
    return view(replayed);
  }
}

function view({ entitlement, rule, steps, same }: ClaimReplay) {
  const { order, state, acceptedAt, decidedAt, reasonCode } = entitlement;
  return {
    claimId: order.claimId,
    receiptNumber: order.receiptNumber,
    state,
    reasonCode,
    personId: order.personId,
    campaignId: order.campaignId,
    measureId: order.measureId,
    fundId: order.fundId,
    amountPoints: order.amountPoints,
    acceptedAt,
    decidedAt,
    ruleVersion: order.ruleVersion,
    rule,
    answers: order.answers,
    events: steps.map(eventView),
    same,
  };
}

function eventView({ service, event, postings, again }: ReplayStep) {
  const { id, type, schemaVersion, log, position, stream, revision, requestId, reads, data } = event;
  const { effectiveAt, recordedAt, actor, correlationId, causationId, ownerId } = event;
  return {
    service,
    eventId: id,
    type,
    schemaVersion,
    log,
    position,
    stream,
    revision,
    requestId,
    effectiveAt,
    recordedAt,
    actor,
    ownerId,
    correlationId,
    causationId,
    reads: reads ?? {},
    data,
    postings: postings.map(({ debitAccount, creditAccount, points }) => ({ debitAccount, creditAccount, points })),
    ...(again ? { decidedAgain: again } : {}),
  };
}
