import { Body, Controller, Get, Header, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { appendSurely, type EventLog } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  Idempotent,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import type { Pool } from 'pg';
import { canRaise, commitmentPointsMax, type Fund, type FundCommitted, fundStream } from '../domain/fund.js';
import { Leases } from '../workflows/leases.js';
import { contested, expected, ledgerEvent } from '../workflows/recording.js';
import { cursorOf, idFromPath, ownerOf, placeOf, plainText } from './formats.js';

const RAISE_ROUNDS_MAX = 20;

export class NewFund {
  @ApiProperty({ type: String, maxLength: 200 })
  @IsString()
  @MaxLength(200)
  @Matches(plainText, { message: 'name must be a text without control characters' })
  name: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: commitmentPointsMax })
  @IsInt()
  @Min(1)
  @Max(commitmentPointsMax)
  amountPoints: number;

  @ApiProperty({ type: 'integer', description: 'April to March, by the year in which it begins' })
  @IsInt()
  @Min(1900)
  @Max(2999)
  fiscalYear: number;

  @ApiPropertyOptional({ type: String, maxLength: 100 })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  @Matches(plainText, { message: 'budgetCode must be a text without control characters' })
  budgetCode?: string | null;

  @ApiPropertyOptional({ type: Boolean, default: false })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean | null;
}

export class FundRaise {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: commitmentPointsMax })
  @IsInt()
  @Min(1)
  @Max(commitmentPointsMax)
  amountPoints: number;
}

export class FundPage {
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number;
}

@ApiTags('funds')
@Controller('point-ledger/v1/funds')
export class FundsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    private readonly leases: Leases,
  ) {}

  @Post()
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Commits a fund' })
  async commit(
    @CurrentCaller() caller: Caller,
    @CreatedId() fundId: string,
    @CorrelationId() correlationId: string,
    @Body() body: NewFund,
  ) {
    const ownerId = ownerOf(caller);
    const { name, amountPoints, fiscalYear } = body;
    const terms = { budgetCode: body.budgetCode ?? null, dryRun: body.dryRun ?? false };
    const data: FundCommitted = { fundId, ownerId, name, fiscalYear, ...terms, amountPoints };
    const event = this.committed(data, derivedId('FundCommitted', fundId), caller, correlationId);
    await appendSurely(this.log, [
      { writes: [{ stream: fundStream(fundId), expectedRevision: 'noStream', events: [event] }] },
    ]);
    return this.one(fundId, ownerId);
  }

  @Post(':fundId/raises')
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Raises a fund: claims refused for want of points can go on' })
  async raise(
    @CurrentCaller() caller: Caller,
    @Param('fundId') id: string,
    @CreatedId() raiseId: string,
    @CorrelationId() correlationId: string,
    @Body() { amountPoints }: FundRaise,
  ) {
    const fundId = idFromPath(id);
    const ownerId = ownerOf(caller);
    for (let round = 0; round < RAISE_ROUNDS_MAX; round += 1) {
      const seen = await this.leases.look(fundId);
      if (seen?.fund.ownerId !== ownerId) throw new Problem({ code: 'request.not_found' });
      const { name, fiscalYear, budgetCode, dryRun } = seen.fund;
      const data: FundCommitted = { fundId, ownerId, name, fiscalYear, budgetCode, dryRun, amountPoints };
      const event = this.committed(data, raiseId, caller, correlationId);
      const write = { stream: fundStream(fundId), expectedRevision: expected(seen.revision), events: [event] };
      if (!canRaise(seen.fund, amountPoints)) throw new Problem({ code: 'point_ledger.commitment_too_large' });
      const [outcome] = await appendSurely(this.log, [{ writes: [write] }]);
      if (outcome?.outcome !== 'conflict') return this.one(fundId, ownerId);
    }
    throw contested(`fund ${fundId} is leased faster than it can be raised`);
  }

  @Get()
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The owner's funds, newest first" })
  async list(@CurrentCaller() caller: Caller, @Query() { cursor, limit = 50 }: FundPage) {
    const [before = Number.MAX_SAFE_INTEGER] = placeOf(cursor, 1) ?? [];
    const upToDate = await this.projections.waitFor('funds');
    const { rows } = await this.database.query<FundRow>(listQuery, [ownerOf(caller), before, limit + 1]);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      funds: rows.slice(0, limit).map(fundOfRow),
      upToDate,
      ...(last ? { nextCursor: cursorOf([Number(last.position)]) } : {}),
    };
  }

  @Get(':fundId')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'One fund, folded from its own stream and those of its leases' })
  find(@CurrentCaller() caller: Caller, @Param('fundId') fundId: string) {
    return this.one(idFromPath(fundId), ownerOf(caller));
  }

  private async one(fundId: string, ownerId: string) {
    const found = await this.leases.undrawn(fundId);
    if (found?.fund.ownerId !== ownerId) throw new Problem({ code: 'request.not_found' });
    return fundAnswer(found.fund, found.undrawnPoints);
  }

  private committed(data: FundCommitted, id: string, caller: Caller, correlationId: string) {
    return ledgerEvent(
      { type: 'FundCommitted', data },
      {
        id,
        cause: { id: null, correlationId },
        effectiveAt: isoTime(this.clock.now()),
        ownerId: data.ownerId,
        actor: caller.actor,
      },
    );
  }
}

function fundAnswer(fund: Omit<Fund, 'unleasedPoints' | 'leases'>, undrawnPoints: number) {
  const { fundId, name, ownerId, fiscalYear, budgetCode, dryRun, committedPoints } = fund;
  const drawnPoints = committedPoints - undrawnPoints;
  return { fundId, name, ownerId, fiscalYear, budgetCode, dryRun, committedPoints, undrawnPoints, drawnPoints };
}

interface FundRow {
  readonly fund_id: string;
  readonly owner_id: string;
  readonly name: string;
  readonly fiscal_year: number;
  readonly budget_code: string | null;
  readonly dry_run: boolean;
  readonly committed_points: string;
  readonly drawn_points: string;
  readonly position: string;
}

function fundOfRow(row: FundRow) {
  const committedPoints = Number(row.committed_points);
  const fund = {
    fundId: row.fund_id,
    ownerId: row.owner_id,
    name: row.name,
    fiscalYear: row.fiscal_year,
    budgetCode: row.budget_code,
    dryRun: row.dry_run,
    committedPoints,
  };
  return fundAnswer(fund, committedPoints - Number(row.drawn_points));
}

const listQuery = `
  select fund_id, owner_id, name, fiscal_year, budget_code, dry_run, committed_points, position,
         (select coalesce(sum(drawn_points), 0) from fund_draws where fund_draws.fund_id = funds.fund_id) as drawn_points
    from funds
   where owner_id = $1 and position < $2
   order by position desc
   limit $3`;
