import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Clock, isoTime, sumPoints } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CurrentCaller,
  DATABASE,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
} from '@tsunagu/service-host';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { Pool } from 'pg';
import { trialBalanceQuery } from '../projections/postings.js';
import { instantOf, ownerOf } from './formats.js';

export class TrialBalanceTimes {
  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'Effective time, default now' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  at?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'What was recorded by then, default now' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  recordedAt?: string;
}

@ApiTags('trial balance')
@Controller('point-ledger/v1/trial-balance')
export class TrialBalanceController {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  @Get()
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "Totals of every account of the owner's funds" })
  async trialBalance(@CurrentCaller() caller: Caller, @Query() times: TrialBalanceTimes) {
    const given = { at: timeOf('at', times.at), recordedAt: timeOf('recordedAt', times.recordedAt) };
    const upToDate = await this.projections.waitFor('postings');
    const now = isoTime(this.clock.now());
    const { at = now, recordedAt = now } = given;
    const { rows } = await this.database.query<{ account: string; debit_points: string; credit_points: string }>(
      trialBalanceQuery,
      // Nothing is recorded later than now, whatever the clock of the process that recorded it says.
      [ownerOf(caller), at, given.recordedAt ?? 'infinity'],
    );
    const accounts = rows.map((row) => ({
      account: row.account,
      debitPoints: Number(row.debit_points),
      creditPoints: Number(row.credit_points),
    }));
    const totals = {
      debitPoints: sumPoints(accounts.map((row) => row.debitPoints)),
      creditPoints: sumPoints(accounts.map((row) => row.creditPoints)),
    };
    return { at, recordedAt, rows: accounts, totals, upToDate };
  }
}

function timeOf(field: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ms = instantOf(text);
  if (ms !== undefined) return isoTime(ms);
  const message = `${field} must be a time of ISO 8601 with an offset`;
  throw new Problem({ code: 'request.invalid', errors: [{ field, code: 'is_instant', message }] });
}
