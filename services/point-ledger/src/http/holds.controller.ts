import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Clock, isoTime } from '@tsunagu/kernel';
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
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Pool } from 'pg';
import { instantOf, ownerOf } from './formats.js';

class Page {
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

class HoldPage extends Page {
  @ApiProperty({ enum: ['open'] })
  @IsIn(['open'])
  state: 'open';

  @ApiPropertyOptional({ type: 'integer', minimum: 0, default: 0, description: 'Held for at least so many seconds' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(10_000_000_000)
  olderThan?: number;
}

class ExpiringPage extends Page {
  @ApiProperty({ format: 'date-time', description: 'Lots whose term ends before this time' })
  @IsString()
  @MaxLength(40)
  before: string;
}

/** Lists over many accounts: what waits for an outcome, and what will expire. Ids are pseudonymous. */
@ApiTags('lists')
@Controller('point-ledger/v1')
export class HoldsController {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  @Get('holds')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Holds without an outcome that touch lots of the owner, the oldest first' })
  async holds(@CurrentCaller() caller: Caller, @Query() { olderThan = 0, cursor, limit = 50 }: HoldPage) {
    const [afterTime, afterId] = placeOfLot(cursor);
    const upToDate = await this.projections.waitFor('open-holds');
    const now = this.clock.now();
    const heldBefore = isoTime(now - olderThan * 1000);
    const { rows } = await this.database.query<HoldRow>(holdsQuery, [
      ownerOf(caller),
      heldBefore,
      afterTime,
      afterId,
      limit + 1,
    ]);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      holds: rows.slice(0, limit).map((row) => ({
        exchangeId: row.exchange_id,
        accountId: row.person_id,
        providerId: row.provider_id,
        points: Number(row.points),
        heldAt: row.held_at.toISOString(),
        askOwnerAt: row.ask_owner_at.toISOString(),
        ageSeconds: Math.max(0, Math.floor((now - row.held_at.getTime()) / 1000)),
        pastDeadline: row.ask_owner_at.getTime() <= now,
      })),
      upToDate,
      ...(last ? { nextCursor: cursorOfLot(last.held_at, last.exchange_id) } : {}),
    };
  }

  @Get('expiring-lots')
  @Roles('operator', 'partner')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The owner's lots that end soon and have points left, for reminders; the soonest first" })
  async expiring(@CurrentCaller() caller: Caller, @Query() { before, cursor, limit = 50 }: ExpiringPage) {
    const ends = instantOf(before);
    if (ends === undefined) throw invalid('before', 'before must be a time of ISO 8601 with an offset');
    const [afterTime, afterId] = placeOfLot(cursor);
    const upToDate = await this.projections.waitFor('lots');
    const { rows } = await this.database.query<LotRow>(expiringQuery, [
      ownerOf(caller),
      isoTime(this.clock.now()),
      isoTime(ends),
      afterTime,
      afterId,
      limit + 1,
    ]);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      lots: rows.slice(0, limit).map((row) => ({
        lotId: row.lot_id,
        accountId: row.person_id,
        fundId: row.fund_id,
        campaignId: row.campaign_id,
        remainingPoints: Number(row.available_points),
        heldPoints: Number(row.held_points),
        expiresAt: row.expires_at.toISOString(),
      })),
      upToDate,
      ...(last ? { nextCursor: cursorOfLot(last.expires_at, last.lot_id) } : {}),
    };
  }
}

interface HoldRow {
  readonly exchange_id: string;
  readonly person_id: string;
  readonly provider_id: string;
  readonly points: string;
  readonly held_at: Date;
  readonly ask_owner_at: Date;
}

interface LotRow {
  readonly lot_id: string;
  readonly person_id: string;
  readonly fund_id: string;
  readonly campaign_id: string;
  readonly available_points: string;
  readonly held_points: string;
  readonly expires_at: Date;
}

/** A place in a list by time, then id: stamps of the ledger are whole milliseconds. */
function cursorOfLot(time: Date, id: string): string {
  return Buffer.from(`${time.getTime()} ${id}`).toString('base64url');
}

function placeOfLot(cursor: string | undefined): readonly [time: string, id: string] {
  if (cursor === undefined) return ['-infinity', '00000000-0000-0000-0000-000000000000'];
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, ms, id] = /^(\d{1,14}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text) ?? [];
  if (ms === undefined || id === undefined)
    throw invalid('cursor', 'cursor must be the nextCursor of an earlier answer');
  return [isoTime(Number(ms)), id];
}

function invalid(field: string, message: string): Problem {
  return new Problem({ code: 'request.invalid', errors: [{ field, code: 'invalid', message }] });
}

const holdsQuery = `
  select exchange_id, person_id, provider_id, points, held_at, ask_owner_at
    from open_holds
   where $1 = any (owner_ids) and held_at <= $2 and (held_at, exchange_id) > ($3::timestamptz, $4::uuid)
   order by held_at, exchange_id
   limit $5`;

// The sum is the condition of the index on (expires_at, lot_id).
const expiringQuery = `
  select lot_id, person_id, fund_id, campaign_id, available_points, held_points, expires_at
    from lots
   where available_points + held_points > 0 and not dry_run
     and owner_id = $1 and expires_at > $2 and expires_at < $3 and (expires_at, lot_id) > ($4::timestamptz, $5::uuid)
   order by expires_at, lot_id
   limit $6`;
