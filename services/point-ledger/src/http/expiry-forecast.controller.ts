import { Controller, Get, Header, Headers, Inject, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Clock, fiscalYearOf, isoTime, type JapanDay, japanDayOf } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CurrentCaller,
  DATABASE,
  PROJECTIONS,
  type ProjectionReader,
  Roles,
} from '@tsunagu/service-host';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import type { Pool } from 'pg';
import { type ExpiringDay, expiringDays } from '../projections/lots.js';
import { ownerOf } from './formats.js';
import { answer, type Reply, type Sheet } from './spreadsheet.js';

export class ForecastQuery {
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  @IsOptional()
  @IsUUID()
  fundId?: string;

  @ApiPropertyOptional({ enum: ['fiscal_year', 'month', 'day'], default: 'month' })
  @IsOptional()
  @IsIn(['fiscal_year', 'month', 'day'])
  by?: 'fiscal_year' | 'month' | 'day';
}

interface ForecastRow {
  readonly fundId: string;
  readonly dryRun: boolean;
  /** Of the last day on which the points can be used; null for those that never expire. */
  readonly fiscalYear: number | null;
  /** `2026`, `2026-11` or `2026-11-20`, by what was asked; null for those that never expire. */
  readonly period: string | null;
  /** The day is over, and their expiry is not recorded yet. */
  readonly lapsed: boolean;
  readonly availablePoints: number;
  /** Under holds: they do not expire before the exchange has its outcome. */
  readonly heldPoints: number;
}

@ApiTags('statements')
@Controller('point-ledger/v1/expiry-forecast')
export class ExpiryForecastController {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  @Get()
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/json', 'text/csv')
  @ApiOperation({ summary: 'What will expire, fund by fund, if nobody spends anything from now on' })
  async forecast(
    @CurrentCaller() caller: Caller,
    @Query() { fundId, by = 'month' }: ForecastQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const upToDate = await this.projections.waitFor('lots');
    const now = this.clock.now();
    const rows = forecastRows(await expiringDays(this.database, ownerOf(caller), fundId), by, japanDayOf(now));
    return answer(reply, accept, { asOf: isoTime(now), by, rows, upToDate }, forecastSheet);
  }
}

/** Sums by fund and period, in the order of the days. */
export function forecastRows(
  days: readonly ExpiringDay[],
  by: 'fiscal_year' | 'month' | 'day',
  today: JapanDay,
): readonly ForecastRow[] {
  const rows = new Map<string, ForecastRow>();
  for (const { fundId, dryRun, expiresOn, availablePoints, heldPoints } of days) {
    const fiscalYear = expiresOn === null ? null : fiscalYearOf(expiresOn);
    const period = expiresOn === null ? null : periodName(expiresOn, by);
    const lapsed = expiresOn !== null && expiresOn < today;
    const key = `${fundId} ${period} ${lapsed}`;
    const sofar = rows.get(key);
    rows.set(key, {
      fundId,
      dryRun,
      fiscalYear,
      period,
      lapsed,
      availablePoints: (sofar?.availablePoints ?? 0) + availablePoints,
      heldPoints: (sofar?.heldPoints ?? 0) + heldPoints,
    });
  }
  return [...rows.values()];
}

function periodName(day: JapanDay, by: 'fiscal_year' | 'month' | 'day'): string {
  if (by === 'fiscal_year') return String(fiscalYearOf(day));
  return by === 'month' ? day.slice(0, 7) : day;
}

function forecastSheet({ rows }: { readonly rows: readonly ForecastRow[] }): Sheet {
  return {
    name: 'expiry-forecast',
    columns: ['fundId', 'dryRun', 'fiscalYear', 'period', 'lapsed', 'availablePoints', 'heldPoints'],
    rows: rows.map((row) => [
      row.fundId,
      String(row.dryRun),
      row.fiscalYear,
      row.period,
      String(row.lapsed),
      row.availablePoints,
      row.heldPoints,
    ]),
  };
}
