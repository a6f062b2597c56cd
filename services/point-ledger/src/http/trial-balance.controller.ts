import { Controller, Get, Header, Headers, Inject, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Clock } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CurrentCaller,
  DATABASE,
  PROJECTIONS,
  type ProjectionReader,
  Roles,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { trialBalanceOf } from '../domain/fund-figures.js';
import { inSnapshot, pairTotals } from '../projections/statement-queries.js';
import { ownerOf } from './formats.js';
import { answer, type Reply } from './spreadsheet.js';
import { cutOf, Times } from './statement-times.js';

@ApiTags('statements')
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
  @ApiProduces('application/json', 'text/csv')
  @ApiOperation({ summary: "Totals of every account of the owner's funds, as of any time and any knowledge" })
  async trialBalance(
    @CurrentCaller() caller: Caller,
    @Query() times: Times,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const upToDate = await this.projections.waitFor('double-entry');
    const { at, recordedAt, cut } = cutOf(times, this.clock.now());
    const of = { ownerId: ownerOf(caller) };
    const pairs = await inSnapshot(this.database, (client) => pairTotals(client, of, cut));
    const balance = trialBalanceOf(pairs);
    return answer(reply, accept, { at, recordedAt, ...balance, upToDate }, ({ rows, totals }) => ({
      name: 'trial-balance',
      columns: ['account', 'debitPoints', 'creditPoints'],
      rows: [
        ...rows.map((row) => [row.account, row.debitPoints, row.creditPoints]),
        ['total', totals.debitPoints, totals.creditPoints],
      ],
    }));
  }
}
