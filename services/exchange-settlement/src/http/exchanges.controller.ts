import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { errorCode } from '@tsunagu/contracts';
import { appendOne, domainEvents, type EventLog, toNewEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isId, isoTime } from '@tsunagu/kernel';
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
  QUESTIONS,
  type Questions,
  Roles,
  valueOrProblem,
  waitSeconds,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import type { Pool } from 'pg';
import { decideRequest, type ExchangeEvent, exchangeStream } from '../domain/exchange.js';
import { askLink, askStanding } from '../outbound/questions.js';
import { Bell } from '../workflows/bell.js';
import { readProvider } from '../workflows/provider-contracts.js';
import { type ExchangeRow, type ExchangeView, exchangeView, type FoundExchange, rowView } from './exchange-view.js';

/** A POST waits at most so long for the ledger, then answers with the exchange as it is. */
const holdWaitSeconds = 2;
const pointsMax = 1_000_000_000;
const pageMax = 200;

class ExchangeOrder {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  linkId: string;

  @ApiProperty({ minimum: 1, maximum: pointsMax })
  @IsInt()
  @Min(1)
  @Max(pointsMax)
  points: number;
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

@ApiTags('exchanges')
@Controller('exchange/v1/exchanges')
export class ExchangesController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(QUESTIONS) private readonly questions: Questions,
    private readonly bell: Bell,
  ) {}

  @Post()
  @HttpCode(202)
  @Roles('citizen')
  @Idempotent()
  async request(
    @Body() order: ExchangeOrder,
    @CurrentCaller() caller: Caller,
    @CreatedId() exchangeId: string,
    @CorrelationId() correlationId: string,
  ): Promise<ExchangeView> {
    if (!(await this.#read(exchangeId))) await this.#accept(order, caller, exchangeId, correlationId);
    const { exchange, view } = await this.#waitUntil(
      exchangeId,
      holdWaitSeconds,
      (found) => found.view.state !== 'requested',
    );
    if (view.state !== 'rejected' || exchange.holdId !== undefined) return view;
    // The ledger's refusal came in time. Its other reasons are not refusals of API.md: the exchange tells them.
    const code = `exchange.${view.reasonCode}`;
    if (errorCode(code)) throw new Problem({ code, extensions: { exchangeId } });
    return view;
  }

  @Get()
  @Roles('citizen')
  async list(
    @Query() { cursor, limit = 50 }: Page,
    @CurrentCaller() caller: Caller,
  ): Promise<{ exchanges: readonly ExchangeView[]; nextCursor?: string }> {
    await this.projections.waitFor('exchange_book');
    const found = await this.database.query<ExchangeRow>(
      `select e.exchange_id, e.status, e.reason_code, e.link_id, e.provider_id, e.points::float8 as points,
              coalesce(e.provider_points,
                (select min(div(e.points::numeric * c.rate_numerator, c.rate_denominator))
                 from provider_contracts c where c.provider_id = e.provider_id), 0)::float8 as provider_points,
              e.provider_reference, e.accepted_at, e.ended_at
       from exchanges e
       where e.person_id = $1
         and ($2::uuid is null or (e.accepted_at, e.exchange_id) <
              (select before.accepted_at, before.exchange_id from exchanges before
               where before.exchange_id = $2 and before.person_id = $1))
       order by e.accepted_at desc, e.exchange_id desc limit $3`,
      [caller.subject, cursor ?? null, limit + 1],
    );
    const page = found.rows.slice(0, limit);
    const last = page.at(-1);
    const more = found.rows.length > limit && last !== undefined;
    return { exchanges: page.map(rowView), ...(more && { nextCursor: last.exchange_id }) };
  }

  @Get(':exchangeId')
  @Roles('citizen', 'operator', 'support', 'auditor', 'finance')
  async one(
    @Param('exchangeId') exchangeId: string,
    @CurrentCaller() caller: Caller,
    @Headers('prefer') prefer: string | undefined,
  ): Promise<ExchangeView> {
    const found = isId(exchangeId) ? await this.#read(exchangeId) : undefined;
    if (!found || !mayRead(caller, found)) throw new Problem({ code: 'request.not_found' });
    const seconds = waitSeconds(prefer);
    if (seconds === undefined) return found.view;
    const ends: readonly string[] = ['confirmed', 'rejected', 'cancelled'];
    return (await this.#waitUntil(exchangeId, seconds, ({ view }) => ends.includes(view.state))).view;
  }

  async #accept(order: ExchangeOrder, caller: Caller, exchangeId: string, correlationId: string): Promise<void> {
    const [link, standing] = await Promise.all([
      askLink(this.questions, order.linkId),
      askStanding(this.questions, caller.subject),
    ]);
    if (standing?.frozen) throw new Problem({ code: 'identity.frozen' });
    const known = link?.personId === caller.subject ? link : undefined;
    const { provider, recorded } = await readProvider(this.log, known?.providerId ?? '');
    if (!known || !provider) throw new Problem({ code: 'request.not_found' });
    const { linkId, points } = order;
    const events = valueOrProblem(
      decideRequest({ exchangeId, personId: caller.subject, linkId, points }, known, provider),
    );
    const [contract] = provider.contracts;
    const reads = { [recorded[0]?.stream ?? '']: recorded.at(-1)?.revision ?? -1 };
    const added = events.map((event) =>
      toNewEvent(event, {
        id: derivedId(event.type, exchangeId),
        effectiveAt: isoTime(this.clock.now()),
        correlationId,
        causationId: null,
        actor: caller.actor,
        ownerId: provider.contracts.length === 1 && contract ? contract.ownerId : null,
        reads,
      }),
    );
    const write = { stream: exchangeStream(exchangeId), expectedRevision: 'noStream' as const, events: added };
    await appendOne(this.log, { writes: [write] });
  }

  async #waitUntil(
    exchangeId: string,
    seconds: number,
    done: (found: FoundExchange) => boolean,
  ): Promise<FoundExchange> {
    return this.bell.until(
      exchangeId,
      async () => {
        const found = await this.#read(exchangeId);
        if (!found) throw new Problem({ code: 'request.not_found' });
        return found;
      },
      done,
      seconds,
    );
  }

  async #read(exchangeId: string): Promise<FoundExchange | undefined> {
    const stream = exchangeStream(exchangeId);
    const recorded = domainEvents<ExchangeEvent>((await this.log.readStreams([stream])).get(stream));
    const [first] = recorded;
    if (first?.type !== 'ExchangeRequested') return undefined;
    return exchangeView(recorded, (await readProvider(this.log, first.data.providerId)).provider);
  }
}

/** Citizens see their own; staff those that their owner may have to pay for. */
function mayRead(caller: Caller, { exchange }: FoundExchange): boolean {
  const { personId, payingOwnerIds } = exchange.request;
  if (caller.role === 'citizen') return caller.subject === personId;
  return caller.ownerId !== null && payingOwnerIds.includes(caller.ownerId);
}
