import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { addPoints, type Clock, isoTime, sumPoints } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CurrentCaller,
  DATABASE,
  PROJECTIONS,
  type ProjectionReader,
  Roles,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Pool } from 'pg';
import { usableNow } from '../domain/hold.js';
import type { BlockedReason, Lot } from '../domain/lot.js';
import { Accounts } from '../workflows/accounts.js';
import { cursorOf, placeOf } from './formats.js';

export class EntriesPage {
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

@ApiTags('accounts')
@Controller('point-ledger/v1/accounts/me')
export class AccountsController {
  constructor(
    private readonly accounts: Accounts,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  @Get()
  @Roles('citizen')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The caller's account, folded from its own stream: it cannot be behind" })
  async account(@CurrentCaller() { subject: accountId }: Caller) {
    const account = await this.accounts.readOne(accountId);
    const now = isoTime(this.clock.now());
    const { lots, exchangeablePoints, laterPoints } = usableNow(account, now);
    const open = [...account.receivables.values()].filter((receivable) => receivable.openPoints > 0);
    return {
      accountId,
      // Seen, and spent as soon as the day has come: an embargo takes nothing away.
      availablePoints: addPoints(exchangeablePoints, laterPoints),
      exchangeablePoints,
      heldPoints: sumPoints(lots.map(({ lot }) => lot.heldPoints)),
      lots: lots.filter(({ lot }) => lot.availablePoints + lot.heldPoints > 0).map(lotAnswer),
      owedPoints: sumPoints(open.map((receivable) => receivable.openPoints)),
      receivables: open.map(({ receivableId, lotId, points, openPoints }) => ({
        receivableId,
        lotId,
        points,
        openPoints,
      })),
      upToDate: true,
      asOf: now,
    };
  }

  @Get('entries')
  @Roles('citizen')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'What moved on the account, newest first, one entry a lot' })
  async entries(@CurrentCaller() { subject: personId }: Caller, @Query() { cursor, limit = 50 }: EntriesPage) {
    const [position, ordinal] = placeOf(cursor, 2) ?? [Number.MAX_SAFE_INTEGER, 0];
    const upToDate = await this.projections.waitFor('entries');
    const { rows } = await this.database.query<EntryRow>(entriesQuery, [personId, position, ordinal, limit + 1]);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      entries: rows.slice(0, limit).map(entryAnswer),
      upToDate,
      ...(last ? { nextCursor: cursorOf([Number(last.position), last.ordinal]) } : {}),
    };
  }
}

function lotAnswer({ lot, blocked }: { readonly lot: Lot; readonly blocked: BlockedReason | undefined }) {
  const { lotId, fundId, campaignId, measureId, heldPoints, grantedAt, expiresAt, usableFrom, dryRun } = lot;
  return {
    lotId,
    fundId,
    campaignId,
    measureId,
    remainingPoints: lot.availablePoints,
    heldPoints,
    grantedAt,
    expiresAt,
    ...(usableFrom === null ? {} : { usableFrom }),
    dryRun,
    uses: blocked ? [] : ['exchange'],
    ...(blocked ? { blockedReason: blocked } : {}),
  };
}

interface EntryRow {
  readonly position: string;
  readonly ordinal: number;
  readonly kind: string;
  readonly points: string;
  readonly held_points: string;
  readonly dry_run_points: string | null;
  readonly receivable_points: string;
  readonly effective_at: Date;
  readonly recorded_at: Date;
  readonly event_id: string;
  readonly lot_id: string;
  readonly claim_id: string | null;
  readonly exchange_id: string | null;
}

function entryAnswer(row: EntryRow) {
  return {
    entryId: `${row.event_id}.${row.ordinal}`,
    kind: row.kind,
    points: Number(row.points),
    heldPoints: Number(row.held_points),
    effectiveAt: row.effective_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    ...(row.claim_id ? { claimId: row.claim_id } : {}),
    ...(row.exchange_id ? { exchangeId: row.exchange_id } : {}),
    lotId: row.lot_id,
    ...(row.receivable_points === '0' ? {} : { receivablePoints: Number(row.receivable_points) }),
    ...(row.dry_run_points === null ? {} : { dryRun: true, dryRunPoints: Number(row.dry_run_points) }),
  };
}

const entriesQuery = `
  select position, ordinal, kind, points, held_points, dry_run_points, effective_at, recorded_at, event_id, lot_id,
         claim_id, exchange_id, receivable_points
    from entries
   where person_id = $1 and (position, ordinal) < ($2, $3)
   order by position desc, ordinal desc
   limit $4`;
