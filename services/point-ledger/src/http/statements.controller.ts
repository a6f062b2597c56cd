import { Controller, Get, Header, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import type { Pool, PoolClient } from 'pg';
import { foldFund, fundStream } from '../domain/fund.js';
import {
  correctionTotals,
  fundChangeTotals,
  fundsOf,
  inSnapshot,
  pairTotals,
} from '../projections/statement-queries.js';
import { idFromPath, ownerOf } from './formats.js';
import { fundSheet, fundStatementOf } from './fund-statement.js';
import { type RollForwardPairs, rollForwardRows, rollForwardSheet } from './roll-forward-view.js';
import { answer, type Reply } from './spreadsheet.js';
import { cutOf, instant, invalid, Period, periodOf, recordedBefore, Times } from './statement-times.js';

const always = Number.POSITIVE_INFINITY;
const beforeAll = { effectiveBefore: Number.NEGATIVE_INFINITY, recordedBefore: Number.NEGATIVE_INFINITY };

export class RollForwardQuery extends Period {
  @ApiPropertyOptional({
    enum: ['effective', 'recorded'],
    default: 'effective',
    description:
      'effective: what counts for the days. recorded: what was recorded in them; what counts for earlier days stands apart, as corrections of prior periods, and a closing never changes afterwards.',
  })
  @IsOptional()
  @IsIn(['effective', 'recorded'])
  by?: 'effective' | 'recorded';

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'By effective time only: what was recorded by then, default now',
  })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  recordedAt?: string;

  @ApiPropertyOptional({ type: String, format: 'uuid' })
  @IsOptional()
  @IsUUID()
  fundId?: string;

  @ApiPropertyOptional({ type: 'integer', description: 'Of the fund: April to March, by the year in which it begins' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1900)
  @Max(2999)
  fiscalYear?: number;
}

@ApiTags('statements')
@Controller('point-ledger/v1')
export class StatementsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  @Get('funds/:fundId/statement')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/json', 'text/csv')
  @ApiOperation({ summary: 'Every figure of a fund, as of any time and any knowledge' })
  async fundStatement(
    @CurrentCaller() caller: Caller,
    @Param('fundId') id: string,
    @Query() times: Times,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const fundId = idFromPath(id);
    const ownerId = ownerOf(caller);
    const stream = fundStream(fundId);
    const known = foldFund((await this.log.readStreams([stream])).get(stream) ?? []);
    if (known?.ownerId !== ownerId) throw new Problem({ code: 'request.not_found' });
    const { name, fiscalYear, budgetCode, dryRun } = known;
    const upToDate = await this.projections.waitFor('double-entry');
    const { at, recordedAt, cut } = cutOf(times, this.clock.now());
    const statement = await inSnapshot(this.database, async (client) =>
      fundStatementOf(
        { fundId, ownerId, name, fiscalYear, budgetCode, dryRun },
        await pairTotals(client, { ownerId, fundId }, cut),
        await fundChangeTotals(client, fundId, cut),
        await correctionTotals(client, { ownerId, fundId }, cut, beforeAll),
      ),
    );
    return answer(reply, accept, { ...statement, at, recordedAt, upToDate }, fundSheet);
  }

  @Get('liability-roll-forward')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/json', 'text/csv')
  @ApiOperation({
    summary: 'What the owner owes the people at the beginning and at the end of a period, and all that changed it',
  })
  async rollForward(
    @CurrentCaller() caller: Caller,
    @Query() query: RollForwardQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const { by = 'effective', fundId, fiscalYear } = query;
    const known = instant('recordedAt', query.recordedAt);
    if (by === 'recorded' && known !== undefined)
      throw invalid('recordedAt', 'not_with_recorded', 'recordedAt is for statements by effective time');
    const period = periodOf(query);
    const of = { ownerId: ownerOf(caller), ...(fundId === undefined ? {} : { fundId }) };
    const upToDate = await this.projections.waitFor('double-entry');
    const recordedAt = isoTime(known ?? this.clock.now());
    const before = recordedBefore(known);
    const [opening, closing] =
      by === 'effective'
        ? [cut(period.from, before), cut(period.until, before)]
        : [cut(always, period.from), cut(always, period.until)];
    const statement = await inSnapshot(this.database, async (client) => {
      const funds = (await fundsOf(client, of)).filter((fund) => (fiscalYear ?? fund.fiscalYear) === fund.fiscalYear);
      const shown = new Set(funds.map((fund) => fund.fundId));
      const pairs: RollForwardPairs = {
        opening: await pairTotals(client, of, opening),
        closing: await pairTotals(client, of, closing),
        ...(by === 'recorded' ? { prior: await priorPairs(client, of, period) } : {}),
      };
      const corrections = await correctionTotals(client, of, closing, opening);
      return {
        ...rollForwardRows(funds, pairs),
        corrections: corrections.filter((correction) => shown.has(correction.fundId)),
      };
    });
    const { from, to } = query;
    const body = { from, to, by, recordedAt, ownerId: of.ownerId, ...statement, upToDate };
    return answer(reply, accept, body, rollForwardSheet);
  }
}

function cut(effectiveBefore: number, recordedBefore: number) {
  return { effectiveBefore, recordedBefore };
}

async function priorPairs(
  client: PoolClient,
  of: { readonly ownerId: string; readonly fundId?: string },
  { from, until }: { readonly from: number; readonly until: number },
) {
  return {
    before: await pairTotals(client, of, cut(from, from)),
    after: await pairTotals(client, of, cut(from, until)),
  };
}
