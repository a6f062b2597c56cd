import { Controller, Get, Header, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  EVENT_LOG,
  LOGGER,
  noteLook,
  Problem,
  Roles,
} from '@tsunagu/service-host';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { Logger } from 'pino';
import { accountStream } from '../domain/account.js';
import {
  type AccountHistory,
  accountHistoryOf,
  accountStatementOf,
  balanceAt,
  lapsedAt,
  lotsAt,
} from '../domain/account-history.js';
import { accountSheet } from './account-sheet.js';
import { idFromPath, ownerOf } from './formats.js';
import { answer, type Reply } from './spreadsheet.js';
import { cutOf, instant, Period, periodOf, recordedBefore, Times } from './statement-times.js';

export class AccountStatementQuery extends Period {
  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'What was recorded by then, default now' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  recordedAt?: string;
}

/** Statements and balances of accounts, from their own streams: they cannot be behind. */
@ApiTags('statements')
@Controller('point-ledger/v1/accounts')
export class AccountStatementsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get('me/statement')
  @Roles('citizen')
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/json', 'text/csv')
  @ApiOperation({ summary: "The caller's account over some days: opening balance, every movement, closing balance" })
  async ownStatement(
    @CurrentCaller() { subject }: Caller,
    @Query() query: AccountStatementQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    return this.statement(subject, await this.historyOf(subject), query, accept, reply);
  }

  @Get('me/balance')
  @Roles('citizen')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The caller's balance as of any time, and as it was known at any time" })
  async ownBalance(@CurrentCaller() { subject }: Caller, @Query() times: Times) {
    return this.balance(subject, await this.historyOf(subject), times);
  }

  @Get(':accountId/statement')
  @Roles('support', 'operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/json', 'text/csv')
  @ApiOperation({ summary: "The owner's lots of an account over some days; every look is on record" })
  async statementOf(
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Param('accountId') id: string,
    @Query() query: AccountStatementQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const history = await this.lookedAt(caller, idFromPath(id), correlationId);
    return this.statement(id, history, query, accept, reply);
  }

  @Get(':accountId/balance')
  @Roles('support', 'operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The balance of the owner's lots of an account as of any time; every look is on record" })
  async balanceOf(
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
    @Param('accountId') id: string,
    @Query() times: Times,
  ) {
    return this.balance(id, await this.lookedAt(caller, idFromPath(id), correlationId), times);
  }

  private statement(
    accountId: string,
    history: AccountHistory,
    query: AccountStatementQuery,
    accept: string | undefined,
    reply: Reply,
  ) {
    const known = instant('recordedAt', query.recordedAt);
    const statement = accountStatementOf(history, { ...periodOf(query), recordedBefore: recordedBefore(known) });
    const { from, to } = query;
    const body = { accountId, from, to, recordedAt: isoTime(known ?? this.clock.now()), ...statement };
    return answer(reply, accept, body, accountSheet);
  }

  private balance(accountId: string, history: AccountHistory, times: Times) {
    const { at, atMs, recordedAt, cut } = cutOf(times, this.clock.now());
    const balance = balanceAt(history, cut);
    const lots = lotsAt(history, cut);
    const lapsedPoints = lapsedAt(lots, atMs);
    return {
      accountId,
      at,
      recordedAt,
      availablePoints: balance.bookedPoints - lapsedPoints,
      lapsedPoints,
      ...balance,
      lots,
    };
  }

  /** Staff see what their owner pays for; an account without any of it does not exist for them. */
  private async lookedAt(caller: Caller, accountId: string, correlationId: string): Promise<AccountHistory> {
    noteLook(this.logger, 'account looked at', caller, { correlationId, accountId });
    const history = await this.historyOf(accountId, ownerOf(caller));
    if (history.movements.length === 0) throw new Problem({ code: 'request.not_found' });
    return history;
  }

  private async historyOf(accountId: string, ownerId?: string): Promise<AccountHistory> {
    const stream = accountStream(accountId);
    return accountHistoryOf((await this.log.readStreams([stream])).get(stream) ?? [], ownerId);
  }
}
