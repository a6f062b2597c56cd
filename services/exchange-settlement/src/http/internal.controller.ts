import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { domainEvents, type EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import { EVENT_LOG, Problem, Roles } from '@tsunagu/service-host';
import { type ExchangeEvent, exchangeStream, fold, outcomeOf, shownState } from '../domain/exchange.js';
import { readProvider } from '../workflows/provider-contracts.js';
import { isProviderId } from './providers.controller.js';

/** What the ledger asks about a hold past its deadline, and service-link about a provider. */
@ApiExcludeController()
@Controller('exchange-settlement/internal/v1')
export class InternalController {
  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

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

  @Get('providers/:providerId')
  @Roles('service')
  async provider(@Param('providerId') providerId: string) {
    const provider = isProviderId(providerId) ? (await readProvider(this.log, providerId)).provider : undefined;
    if (!provider) throw new Problem({ code: 'request.not_found' });
    const { name, baseUrl, unitPoints, minimumPoints } = provider;
    return { providerId, name, baseUrl, unitPoints, minimumPoints };
  }
}
