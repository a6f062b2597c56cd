import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { domainEvents, type EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import { DATABASE, EVENT_LOG, PROJECTIONS, Problem, type ProjectionReader, Roles } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { type ExchangeEvent, exchangeStream, fold, outcomeOf, type Status, shownState } from '../domain/exchange.js';
import { readProvider } from '../workflows/provider-contracts.js';
import { isProviderId } from './providers.controller.js';

/** Exchanges of one link in one answer. */
const openExchangesMax = 1_000;

/** What the ledger asks about a hold past its deadline, and service-link about a provider and what goes over a link. */
@ApiExcludeController()
@Controller('exchange-settlement/internal/v1')
export class InternalController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  @Get('exchanges/:exchangeId/outcome')
  @Roles('service')
  async outcome(@Param('exchangeId') exchangeId: string) {
    const stream = exchangeStream(exchangeId);
    const recorded = isId(exchangeId)
      ? domainEvents<ExchangeEvent>((await this.log.readStreams([stream])).get(stream))
      : [];
    const state = fold(recorded);
    if (!state) throw new Problem({ code: 'request.not_found' });
    const ends = ['ExchangeConfirmed', 'ExchangeRejected', 'ExchangeCancelled'];
    const end = recorded.find((event) => ends.includes(event.type));
    return {
      exchangeId,
      state: shownState(state.status),
      outcome: outcomeOf(state),
      eventId: end?.id ?? null,
      points: end?.type === 'ExchangeConfirmed' ? end.data.points : null,
      reasonCode: state.reasonCode ?? null,
      correlationId: recorded[0]?.correlationId ?? null,
    };
  }

  /** What is on its way over a link, oldest first: while it is disputed, what it holds back. */
  @Get('links/:linkId/open-exchanges')
  @Roles('service')
  async openExchanges(@Param('linkId') linkId: string) {
    if (!isId(linkId)) throw new Problem({ code: 'request.not_found' });
    if (!(await this.projections.waitFor('exchange_book'))) throw new Problem({ code: 'service.unavailable' });
    const { rows } = await this.database.query<{ exchange_id: string; status: Status; points: string }>(
      `select exchange_id, status, points from exchanges
        where link_id = $1
          and status in ('requested', 'held', 'submitted', 'outcome_unknown', 'under_review', 'confirmed')
        order by accepted_at limit ${openExchangesMax}`,
      [linkId],
    );
    return {
      exchanges: rows.map((row) => ({
        exchangeId: row.exchange_id,
        state: shownState(row.status),
        points: Number(row.points),
      })),
    };
  }

  @Get('providers/:providerId')
  @Roles('service')
  async provider(@Param('providerId') providerId: string) {
    const provider = isProviderId(providerId) ? (await readProvider(this.log, providerId)).provider : undefined;
    if (!provider) throw new Problem({ code: 'request.not_found' });
    const { name, baseUrl, unitPoints, minimumPoints, contracts } = provider;
    const ownerIds = contracts.map(({ ownerId }) => ownerId);
    return { providerId, name, baseUrl, unitPoints, minimumPoints, ownerIds };
  }
}
