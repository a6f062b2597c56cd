import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiProduces, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { appendOne, type EventLog, expectedRevision, toNewEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isId, isJapanDay, isoTime } from '@tsunagu/kernel';
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
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsUUID, Matches, Max, Min } from 'class-validator';
import type { Pool } from 'pg';
import { contractOf } from '../domain/provider.js';
import { decideApproval, type Settlement, type SettlementClose } from '../domain/settlement.js';
import { transferFile } from '../files/settlement-files.js';
import { BANK_VAULT, type BankVault } from '../outbound/bank-vault.js';
import { Closing } from '../workflows/closing.js';
import { readProvider } from '../workflows/provider-contracts.js';
import { readSettlement, renderSettlement } from '../workflows/settlement-reader.js';
import { ownerOf } from './staff.js';

const day = /^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$/;
const dayMessage = '$property must be a day, YYYY-MM-DD';
const pageMax = 200;
/** Lost races for one settlement's stream before it counts as an outage. */
const roundsMax = 10;

class CloseBody {
  @ApiProperty({ maxLength: 40 })
  @Matches(/^[a-z0-9][a-z0-9-]{0,39}$/, { message: 'providerId must be 1 to 40 of a-z, 0-9 and -' })
  providerId: string;

  @ApiProperty({ format: 'date' })
  @Matches(day, { message: dayMessage })
  from: string;

  @ApiProperty({ format: 'date' })
  @Matches(day, { message: dayMessage })
  to: string;

  @ApiPropertyOptional({ format: 'date', description: 'Default: the first bank business day after the close.' })
  @IsOptional()
  @Matches(day, { message: dayMessage })
  transferDate?: string | null;

  @ApiPropertyOptional({ enum: ['carry', 'refuse'], default: 'carry' })
  @IsOptional()
  @IsIn(['carry', 'refuse'])
  openItems?: 'carry' | 'refuse' | null;
}

class Page {
  @ApiPropertyOptional({ format: 'uuid', description: 'nextCursor of the page before.' })
  @IsOptional()
  @IsUUID()
  cursor?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: pageMax, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(pageMax)
  limit?: number;
}

interface Reply {
  header(name: string, value: string): Reply;
}

@ApiTags('settlements')
@Controller('settlement/v1/settlements')
export class SettlementsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(BANK_VAULT) private readonly vault: BankVault,
    private readonly closing: Closing,
  ) {}

  @Post()
  @Roles('finance')
  @Idempotent()
  async close(
    @Body() body: CloseBody,
    @CurrentCaller() caller: Caller,
    @CreatedId() settlementId: string,
    @CorrelationId() correlationId: string,
  ) {
    checkDays(body);
    if (!(await readSettlement(this.log, settlementId)).settlement.close) {
      const { providerId, from, to, transferDate } = body;
      const openItems = body.openItems ?? 'carry';
      const { actor } = caller;
      const order = { settlementId, ownerId: ownerOf(caller), providerId, from, to, openItems, actor, correlationId };
      valueOrProblem(await this.closing.close({ ...order, ...(transferDate && { transferDate }) }));
    }
    return viewOf(await this.#own(caller, settlementId));
  }

  @Get()
  @Roles('finance', 'auditor')
  async list(@Query() { cursor, limit = 50 }: Page, @CurrentCaller() caller: Caller) {
    await this.projections.waitFor('exchange_book');
    const found = await this.database.query<{ state: string; approved_by: string | null; close: SettlementClose }>(
      `select state, approved_by, close from settlements
       where owner_id = $1
         and ($2::uuid is null or (closed_at, settlement_id) <
              (select before.closed_at, before.settlement_id from settlements before
               where before.settlement_id = $2 and before.owner_id = $1))
       order by closed_at desc, settlement_id desc limit $3`,
      [ownerOf(caller), cursor ?? null, limit + 1],
    );
    const page = found.rows.slice(0, limit);
    const more = found.rows.length > limit;
    return {
      settlements: page.map((row) => closeView(row.close, row.state, row.approved_by)),
      ...(more && { nextCursor: page.at(-1)?.close.settlementId }),
    };
  }

  @Get(':settlementId')
  @Roles('finance', 'auditor')
  async one(@Param('settlementId') settlementId: string, @CurrentCaller() caller: Caller) {
    return viewOf(await this.#own(caller, settlementId));
  }

  @Get(':settlementId/files/:name')
  @Roles('finance', 'auditor')
  @ApiProduces('text/csv', 'text/plain', 'application/json')
  async file(
    @Param('settlementId') settlementId: string,
    @Param('name') name: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Buffer> {
    const settlement = await this.#own(caller, settlementId);
    if (!settlement.close?.files.some((listed) => listed.name === name))
      throw new Problem({ code: 'request.not_found' });
    if (name === transferFile && settlement.state !== 'approved')
      throw new Problem({ code: 'settlement.not_approved' });
    const file = (await renderSettlement(settlement, this.vault)).find((each) => each.name === name);
    if (!file) throw new Problem({ code: 'request.not_found' });
    reply
      .header('content-type', file.mediaType)
      .header('content-disposition', `attachment; filename="${file.name}"`)
      .header('cache-control', 'private, no-store')
      .header('etag', `"${file.sha256}"`);
    return file.content;
  }

  @Post(':settlementId/approve')
  @HttpCode(200)
  @Roles('finance')
  async approve(
    @Param('settlementId') settlementId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ) {
    for (let round = 0; round < roundsMax; round += 1) {
      const { close } = await this.#own(caller, settlementId);
      const { stream, recorded, settlement } = await readSettlement(this.log, settlementId);
      const ownerId = ownerOf(caller);
      const { provider } = await readProvider(this.log, close?.providerId ?? '');
      const changers = [close?.payee.changedBy, contractOf(provider, ownerId)?.bankAccount?.changedBy];
      const decided = valueOrProblem(
        decideApproval(
          settlement,
          caller.actor,
          changers.flatMap((changer) => changer ?? []),
        ),
      );
      const events = decided.map((event) =>
        toNewEvent<string, unknown>(event, {
          id: derivedId(event.type, settlementId),
          effectiveAt: isoTime(this.clock.now()),
          correlationId,
          causationId: recorded.at(-1)?.id ?? null,
          actor: caller.actor,
          ownerId,
        }),
      );
      const write = { stream, expectedRevision: expectedRevision(recorded), events };
      if (events.length === 0 || (await appendOne(this.log, { writes: [write] })))
        return viewOf(await this.#own(caller, settlementId));
    }
    throw new Error(`a settlement was still contested after ${roundsMax} rounds`);
  }

  async #own(caller: Caller, settlementId: string): Promise<Settlement> {
    const settlement = isId(settlementId) ? (await readSettlement(this.log, settlementId)).settlement : undefined;
    if (settlement?.close?.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    return settlement;
  }
}

function checkDays(body: CloseBody): void {
  const fault = (field: string, message: string) =>
    new Problem({ code: 'request.invalid', errors: [{ field, code: 'invalid_day', message }] });
  for (const field of ['from', 'to', 'transferDate'] as const) {
    const value = body[field];
    if (value != null && !isJapanDay(value)) throw fault(field, 'There is no such day.');
  }
  if (body.to < body.from) throw fault('to', 'The last day must not lie before the first.');
}

function viewOf(settlement: Settlement) {
  if (!settlement.close) throw new Problem({ code: 'request.not_found' });
  return closeView(settlement.close, settlement.state, settlement.approvedBy ?? null);
}

/** Without the references into the vault. */
function closeView(close: SettlementClose, state: string, approvedBy: string | null) {
  const { payee, payer: _, templateVersion: __, linesSha256: ___, ...shown } = close;
  return { ...shown, state, payeeAccountVersion: payee.version, ...(approvedBy !== null && { approvedBy }) };
}
