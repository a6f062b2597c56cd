import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { EVENT_LOG, EVENT_LOGS, Problem, Roles } from '@tsunagu/service-host';
import { accountStream } from '../domain/account.js';
import { replayInLedger } from '../workflows/claim-replay.js';
import { Leases } from '../workflows/leases.js';
import { ClaimReplayBody, claimReplayQuestion } from './claim-replay-body.js';
import { idFromPath } from './formats.js';

const grantStates = { PointsGranted: 'granted', GrantRefused: 'refused' } as const;
const holdStates = {
  PointsHeld: 'held',
  HoldRefused: 'refused',
  HoldCaptured: 'captured',
  HoldReleased: 'released',
} as const;

/** Questions of other services. All answers come from streams, never from a read model. */
@Controller('point-ledger/internal/v1')
export class InternalController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(EVENT_LOGS) private readonly logs: readonly EventLog[],
    private readonly leases: Leases,
  ) {}

  @Get('funds/:fundId')
  @Roles('service')
  async fund(@Param('fundId') id: string) {
    const found = await this.leases.undrawn(idFromPath(id));
    if (!found) throw new Problem({ code: 'request.not_found' });
    const { fundId, ownerId, dryRun } = found.fund;
    return { fundId, ownerId, dryRun, undrawnPoints: found.undrawnPoints };
  }

  @Get('grants/:personId/:claimId')
  @Roles('service')
  grant(@Param('personId') personId: string, @Param('claimId') claimId: string) {
    return this.lastOf(idFromPath(personId), { claimId: idFromPath(claimId) }, grantStates);
  }

  @Get('holds/:personId/:exchangeId')
  @Roles('service')
  async hold(@Param('personId') personId: string, @Param('exchangeId') exchangeId: string) {
    const [person, subject] = [idFromPath(personId), { exchangeId: idFromPath(exchangeId) }];
    // A capture in part is followed by the release of the rest: the capture is what became of the exchange.
    const captured = await this.lastOf(person, subject, { HoldCaptured: holdStates.HoldCaptured });
    return captured.event ? captured : this.lastOf(person, subject, holdStates);
  }

  @Post('claim-replays')
  @HttpCode(200)
  @Roles('service')
  async replay(@Body() body: ClaimReplayBody) {
    return { steps: await replayInLedger({ log: this.log, logs: this.logs }, claimReplayQuestion(body)) };
  }

  /** The last recorded event about a claim or an exchange: handled by the asker as if it had just arrived. */
  private async lastOf(
    personId: string,
    subject: Readonly<Record<string, string>>,
    states: Readonly<Record<string, string>>,
  ): Promise<{ state: string; event?: RecordedEvent }> {
    const stream = accountStream(personId);
    const events = (await this.log.readStreams([stream])).get(stream) ?? [];
    const [[member, id] = ['', '']] = Object.entries(subject);
    const event = events.findLast(
      ({ type, data }) => type in states && (data as Readonly<Record<string, unknown>>)[member] === id,
    );
    return event ? { state: states[event.type] ?? 'unknown', event } : { state: 'unknown' };
  }
}
