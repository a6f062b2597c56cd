import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import {
  type Caller,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type Questions,
  Roles,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { askOpenExchanges } from '../outbound/questions.js';
import { Acting } from '../workflows/acting.js';
import { type FoundLink, readLinks } from '../workflows/link-streams.js';

/** Disputed links in one answer, oldest first: who works them off sees the next ones. */
const listMax = 100;

@ApiTags('link changes')
@Controller('service-link/v1/disputes')
export class DisputesController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(QUESTIONS) private readonly questions: Questions,
    private readonly acting: Acting,
  ) {}

  @Get()
  @Roles('support', 'operator', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Links that are disputed, longest first, with the exchanges that they hold back' })
  async list(@CurrentCaller() caller: Caller) {
    await this.projections.waitFor('links');
    const programmes = await this.#programmesOf(caller);
    const { rows } = await this.database.query<{ link_id: string }>(
      `select link_id from links where state = 'disputed' and programme_id = any($1)
        order by disputed_at, link_id limit ${listMax}`,
      [programmes],
    );
    const found = await readLinks(
      this.log,
      rows.map((row) => row.link_id),
    );
    return { disputes: await Promise.all([...found.values()].map(({ recorded }) => this.#view(recorded))) };
  }

  async #programmesOf(caller: Caller): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ programme_id: string }>(
      `select distinct programme_id from links where state = 'disputed'`,
    );
    const seen = await Promise.all(
      rows.map(async ({ programme_id }) =>
        (await this.acting.maySeeAsStaff(caller, programme_id)) ? programme_id : [],
      ),
    );
    return seen.flat();
  }

  async #view(recorded: FoundLink['recorded']) {
    const dispute = recorded.findLast((event) => event.type === 'LinkDisputed');
    if (dispute?.type !== 'LinkDisputed') throw new Error('a disputed link was disputed');
    const { linkId } = dispute.data;
    return {
      ...dispute.data,
      raisedBy: dispute.actor,
      disputedAt: dispute.effectiveAt,
      heldBack: await askOpenExchanges(this.questions, linkId),
    };
  }
}
