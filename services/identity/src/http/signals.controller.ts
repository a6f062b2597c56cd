import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentCaller, DATABASE, PROJECTIONS, type ProjectionReader, Roles } from '@tsunagu/service-host';
import { IsOptional, IsUUID } from 'class-validator';
import type { Pool } from 'pg';

const pageMax = 100;

class SignalsPage {
  @ApiPropertyOptional({ format: 'uuid', description: 'nextCursor of the page before.' })
  @IsOptional()
  @IsUUID()
  cursor?: string;
}

class Signal {
  signalId: string;
  @ApiProperty({ enum: ['two_cards', 'left_open'] })
  kind: 'two_cards' | 'left_open';
  terminalId: string;
  /** Whose session came first, and whose card came then. */
  firstPersonId: string;
  secondPersonId: string;
  intervalSeconds: number;
  @ApiProperty({ format: 'date-time' })
  raisedAt: string;
}

class SignalList {
  @ApiProperty({ type: [Signal] })
  signals: readonly Signal[];
  @ApiPropertyOptional()
  nextCursor?: string;
}

interface SignalRow {
  readonly signal_id: string;
  readonly kind: Signal['kind'];
  readonly terminal_id: string;
  readonly first_person_id: string;
  readonly second_person_id: string;
  readonly interval_seconds: number;
  readonly raised_at: Date;
}

/** What terminals of the caller's owner reported: a signal is a reason to look, and decides nothing. */
@ApiTags('counter')
@Controller('identity/v1/signals')
export class SignalsController {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  /** Newest first. */
  @Get()
  @Roles('support', 'operator', 'auditor')
  async list(@Query() { cursor }: SignalsPage, @CurrentCaller() caller: Caller): Promise<SignalList> {
    await this.projections.waitFor('signals');
    const { rows } = await this.database.query<SignalRow>(
      `select signal_id, kind, terminal_id, first_person_id, second_person_id, interval_seconds, raised_at
       from signals
       where owner_id = $1
         and ($2::uuid is null or (raised_at, signal_id) <
              (select before.raised_at, before.signal_id from signals before
               where before.signal_id = $2 and before.owner_id = $1))
       order by raised_at desc, signal_id desc limit ${pageMax + 1}`,
      [caller.ownerId, cursor ?? null],
    );
    const page = rows.slice(0, pageMax);
    const last = page.at(-1);
    const signals = page.map((row) => ({
      signalId: row.signal_id,
      kind: row.kind,
      terminalId: row.terminal_id,
      firstPersonId: row.first_person_id,
      secondPersonId: row.second_person_id,
      intervalSeconds: row.interval_seconds,
      raisedAt: row.raised_at.toISOString(),
    }));
    return { signals, ...(rows.length > pageMax && last && { nextCursor: last.signal_id }) };
  }
}
