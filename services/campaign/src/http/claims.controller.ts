import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiResponse, ApiTags } from '@nestjs/swagger';
import { domainEvents, StreamReader } from '@tsunagu/event-store';
import { type Clock, isId } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  LOGGER,
  noteLook,
  Problem,
  Roles,
  valueOrProblem,
  waitSeconds,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import type { Logger } from 'pino';
import {
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
  isHeld,
} from '../domain/entitlement.js';
import { parseReceiptNumber } from '../domain/receipt.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';
import { MergeIndex } from '../projections/merge-index.js';
import { Claiming } from '../workflows/claiming.js';
import { Reopening } from '../workflows/reopening.js';
import { cursorMember } from './campaigns.controller.js';
import { ClaimEnds } from './claim-ends.js';
import { ownerOf, type Reply } from './staff.js';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 200;
/** People look at a review, so nobody need ask every few seconds. */
const HELD_POLL_SECONDS = 600;

class ClaimBody {
  @ApiProperty({ type: String })
  @IsString()
  @MaxLength(100)
  measureId: string;
}

class ClaimsQuery {
  @ApiPropertyOptional({ type: String, description: 'Receipt number; support must give one' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  receipt?: string;

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

@ApiTags('claims')
@Controller('campaign/v1')
export class ClaimsController {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly claiming: Claiming,
    private readonly reopening: Reopening,
    private readonly index: ClaimIndex,
    private readonly merges: MergeIndex,
    private readonly reader: StreamReader,
    private readonly claimEnds: ClaimEnds,
  ) {}

  @Post('campaigns/:campaignId/claims')
  @HttpCode(202)
  @Header('Cache-Control', 'no-store')
  @Roles('citizen')
  @ApiOperation({ summary: 'Claim a measure; again: the same claim and receipt for ever' })
  @ApiResponse({ status: 202, description: 'The claim is made and its receipt durable; the ledger decides' })
  @ApiResponse({ status: 200, description: 'The claim that exists already, in its present state' })
  async claim(
    @Param('campaignId') campaignId: string,
    @Body() { measureId }: ClaimBody,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    if (!isId(campaignId) || !isId(measureId)) throw notFound();
    const claimant = { personId: caller.subject, actor: caller.actor, correlationId };
    const claimed = valueOrProblem(await this.claiming.claim(claimant, campaignId, measureId));
    if (!claimed.first) reply.status(200);
    return this.view(claimed.entitlement);
  }

  @Get('claims/:claimId')
  @Header('Cache-Control', 'no-store')
  @Roles('citizen', 'operator', 'auditor', 'support')
  @ApiOperation({ summary: 'One claim; with Prefer: wait=N at most N seconds until it has ended' })
  async get(
    @Param('claimId') claimId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Headers('prefer') prefer?: string,
  ) {
    const row = isId(claimId) ? await this.index.find(claimId) : undefined;
    if (!row || !(await this.mayRead(caller, row))) throw notFound();
    this.noteLook(caller, row, correlationId);
    const seconds = waitSeconds(prefer);
    const [entitlement] = await this.entitlements([row]);
    if (seconds === undefined || entitlement?.state !== 'accepted') return this.viewOf(entitlement);
    const watch = await this.claimEnds.watch(claimId);
    try {
      const [now] = await this.entitlements([row]);
      if (now?.state !== 'accepted') return this.viewOf(now);
      await watch.ended(seconds * 1_000);
      const [then] = await this.entitlements([row]);
      return this.viewOf(then);
    } finally {
      watch.close();
    }
  }

  @Get('claims')
  @Header('Cache-Control', 'no-store')
  @Roles('citizen', 'support')
  @ApiOperation({ summary: "A citizen's own claims, newest first; for support the claim with a receipt number" })
  async list(@Query() query: ClaimsQuery, @CurrentCaller() caller: Caller, @CorrelationId() correlationId: string) {
    if (caller.role === 'support' || query.receipt !== undefined) {
      const row = await this.index.findByReceipt(receiptOf(query));
      if (!row || !(await this.mayRead(caller, row))) return { claims: [] };
      this.noteLook(caller, row, correlationId);
      return { claims: this.views(await this.entitlements([row])) };
    }
    const limit = query.limit ?? PAGE_DEFAULT;
    const before = query.cursor === undefined ? undefined : Number(query.cursor);
    const rows = await this.index.ofPersons(await this.merges.idsOf(caller.subject), before, limit + 1);
    const page = rows.slice(0, limit);
    const next = rows.length > limit ? page.at(-1)?.acceptedPosition : undefined;
    return { claims: this.views(await this.entitlements(page)), ...cursorMember(next) };
  }

  @Post('campaigns/:campaignId/claim-reopenings')
  @HttpCode(200)
  @Roles('operator')
  @ApiOperation({
    summary: 'Send claims whose cause is gone to the ledger again, in receipt order, as far as the funds reach',
    description: 'Answers { reopened, passedOver, more }: call again while more is true. Doing it twice does no harm.',
  })
  async reopen(
    @Param('campaignId') campaignId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ) {
    if (!isId(campaignId)) throw notFound();
    const by = { ownerId: ownerOf(caller), actor: caller.actor, correlationId };
    return valueOrProblem(await this.reopening.reopen(campaignId, by));
  }

  /** What each claim is now, from its stream. */
  private async entitlements(rows: readonly ClaimRow[]): Promise<readonly (Entitlement | undefined)[]> {
    const names = rows.map(({ measureId, personId }) => entitlementStream(measureId, personId));
    const streams = rows.length > 0 ? await this.reader.read(names) : new Map();
    return names.map((name) => foldEntitlement(domainEvents<EntitlementEvent>(streams.get(name))));
  }

  private views(entitlements: readonly (Entitlement | undefined)[]) {
    return entitlements.map((entitlement) => this.viewOf(entitlement));
  }

  private viewOf(entitlement: Entitlement | undefined) {
    if (!entitlement) throw new Error('a claim is listed that its stream does not know');
    return this.view(entitlement);
  }

  private view(claim: Entitlement) {
    const { order, state, acceptedAt, decidedAt, reasonCode } = claim;
    const waitsForReview = isHeld(claim);
    const reason = waitsForReview ? 'identity_review' : reasonCode;
    return {
      claimId: order.claimId,
      state,
      ...(reason === null ? {} : { reasonCode: reason }),
      ...(state === 'refused' || state === 'cancelled' ? { curable: claim.curable } : {}),
      amountPoints: order.amountPoints,
      campaignId: order.campaignId,
      measureId: order.measureId,
      dryRun: order.dryRun,
      receipt: { number: order.receiptNumber, issuedAt: acceptedAt },
      acceptedAt,
      ...(decidedAt === null ? {} : { decidedAt }),
      ...(state === 'accepted'
        ? {
            pollAfterSeconds: waitsForReview
              ? HELD_POLL_SECONDS
              : pollAfterSeconds(this.clock.now() - Date.parse(claim.askedAt)),
          }
        : {}),
    };
  }

  /** A citizen reads their own, those of ids that mean them since a merge included; staff their owner's. */
  private async mayRead(caller: Caller, row: ClaimRow): Promise<boolean> {
    if (caller.role !== 'citizen') return row.ownerId === caller.ownerId;
    return row.personId === caller.subject || (await this.merges.idsOf(caller.subject)).includes(row.personId);
  }

  /** Every look of staff at a person's claim is on record. */
  private noteLook(caller: Caller, { claimId }: ClaimRow, correlationId: string): void {
    if (caller.role !== 'citizen') noteLook(this.logger, 'claim looked at', caller, { correlationId, claimId });
  }
}

function notFound(): Problem {
  return new Problem({ code: 'request.not_found' });
}

function receiptOf({ receipt }: ClaimsQuery): string {
  const number = receipt === undefined ? undefined : parseReceiptNumber(receipt);
  if (number !== undefined) return number;
  const code = receipt === undefined ? 'required' : 'not_a_receipt_number';
  const message = 'receipt must be a receipt number; a number copied wrongly is recognised by its last character';
  throw new Problem({ code: 'request.invalid', errors: [{ field: 'receipt', code, message }] });
}

/** Soon at first, when the answer is due within seconds; then ever more rarely. */
function pollAfterSeconds(waitedMs: number): number {
  if (waitedMs < 5_000) return 1;
  return waitedMs < 60_000 ? 5 : 30;
}
