import { Body, Controller, Get, Inject, Param, Put, Query } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { baseUrlFault } from '@tsunagu/provider-client';
import {
  type Caller,
  CLOCK,
  CONFIG,
  CorrelationId,
  CurrentCaller,
  PARTS,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
  type ServiceParts,
  type SigningKey,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Matches, Max, Min, ValidateIf } from 'class-validator';
import type { IdentityConfig } from '../config.js';
import { type DeliveryState, deliveryState, deliveryStates, toldSince } from '../domain/webhook-delivery.js';
import { signedPage } from '../outbound/signed-page.js';
import { WebhookDeliveries } from '../outbound/webhook-deliveries.js';
import { EndedMemberships } from '../projections/ended-memberships.js';
import type { Acting } from '../recording.js';
import { Memberships } from '../workflows/memberships.js';

export const FEED_KEY = Symbol('FEED_KEY');

const servicePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
const pageMax = 500;

class ServiceOrder {
  @IsString()
  @Length(1, 100)
  name: string;
}

class FeedOrder {
  /** The law or contract that lets the service be told; null switches the feed off. */
  @ApiProperty({ type: String, nullable: true, minLength: 4, maxLength: 300 })
  @ValidateIf((order: FeedOrder) => order.legalBasis !== null)
  @IsString()
  @Length(4, 300)
  legalBasis: string | null;
}

class WebhookOrder {
  /** An https address on the list of allowed hosts, without query; null: nothing is delivered. */
  @ApiProperty({ type: String, nullable: true, minLength: 10, maxLength: 300 })
  @ValidateIf((order: WebhookOrder) => order.url !== null)
  @IsString()
  @Length(10, 300)
  url: string | null;
}

class Feed {
  legalBasis: string;
  /** Nothing that ended before is told. */
  @ApiProperty({ format: 'date-time' })
  since: string;
}

class Webhook {
  url: string;
  /** Nothing that ended before is delivered. */
  @ApiProperty({ format: 'date-time' })
  since: string;
  /** `stalled`: given up after about a day of failures, until the webhook is set again. */
  @ApiProperty({ enum: deliveryStates })
  state: DeliveryState;
  /** Ids that are still to be delivered. */
  undelivered: number;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  failingSince: string | null;
  /** What the last attempt met with, such as `timeout` or `status_500`. */
  @ApiProperty({ type: String, nullable: true })
  fault: string | null;
}

class MemberServiceAnswer {
  service: string;
  name: string;
  @ApiProperty({ type: Feed, nullable: true })
  feed: Feed | null;
  @ApiProperty({ type: Webhook, nullable: true })
  webhook: Webhook | null;
}

class FeedPage {
  @Matches(servicePattern, { message: 'service must be 1 to 40 of a-z, 0-9 and -' })
  service: string;

  @ApiPropertyOptional({ minimum: 0, description: 'nextCursor of the page before.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  cursor?: number;
}

class FeedEntry {
  /** The service's own id, which is valid no longer. Why is not told (DOMAIN §3). */
  serviceId: string;
  @ApiProperty({ format: 'date-time' })
  invalidFrom: string;
}

class FeedAnswer {
  @ApiProperty({ type: [FeedEntry] })
  entries: readonly FeedEntry[];
  /** Where to go on, also when there is nothing new yet. */
  nextCursor: number;
  /** The same with `service`, `cursor` and `signedAt` as a compact JWS, to be kept as evidence; its key stands in the key set. */
  jws: string;
}

/** Services whose ids hang on persons, and what they may be told. */
@ApiTags('counter')
@Controller('identity/v1')
export class MemberServicesController {
  constructor(
    private readonly memberships: Memberships,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    private readonly ended: EndedMemberships,
    private readonly deliveries: WebhookDeliveries,
    @Inject(CONFIG) private readonly config: IdentityConfig,
    @Inject(PARTS) private readonly parts: ServiceParts,
    @Inject(FEED_KEY) private readonly key: () => Promise<SigningKey>,
  ) {}

  /** Registers a service of the caller's owner, or renames it. */
  @Put('member-services/:service')
  @Roles('operator')
  async register(
    @Param('service') service: string,
    @Body() { name }: ServiceOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MemberServiceAnswer> {
    if (!servicePattern.test(service) || caller.ownerId === null) throw new Problem({ code: 'request.not_found' });
    const wish = { service, name, ownerId: caller.ownerId };
    valueOrProblem(await this.memberships.registerService(wish, this.acting(caller, correlationId)));
    return this.answer(service, caller);
  }

  /** Off from the beginning; on only with its legal basis, which is recorded. */
  @Put('member-services/:service/feed')
  @Roles('operator')
  async setFeed(
    @Param('service') service: string,
    @Body() { legalBasis }: FeedOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MemberServiceAnswer> {
    valueOrProblem(await this.memberships.setFeed(service, legalBasis, this.acting(caller, correlationId)));
    return this.answer(service, caller);
  }

  /** What the feed tells is delivered to that address besides. The same address once more: a stalled webhook is tried again. */
  @Put('member-services/:service/webhook')
  @Roles('operator')
  async setWebhook(
    @Param('service') service: string,
    @Body() order: WebhookOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MemberServiceAnswer> {
    const url = order.url?.replace(/\/+$/, '') ?? null;
    const rules = { allowedHosts: this.config.webhookHosts, loopbackAllowed: this.parts.profile === 'test' };
    const fault = url === null ? undefined : baseUrlFault(url, rules);
    if (fault) throw new Problem({ code: 'identity.webhook_refused', detail: `url ${fault}.` });
    valueOrProblem(await this.memberships.setWebhook(service, url, this.acting(caller, correlationId)));
    await this.deliveries.startAnew(service);
    return this.answer(service, caller);
  }

  /** One service, and how its webhook fares. */
  @Get('member-services/:service')
  @Roles('operator', 'partner')
  one(@Param('service') service: string, @CurrentCaller() caller: Caller): Promise<MemberServiceAnswer> {
    return this.answer(service, caller);
  }

  /** For a service that keeps a table of its own: which of its ids are valid no longer, and from when. */
  @Get('membership-feed')
  @Roles('partner')
  async feed(@Query() { service, cursor = 0 }: FeedPage, @CurrentCaller() caller: Caller): Promise<FeedAnswer> {
    const { feed } = valueOrProblem(await this.memberships.service(service, caller.ownerId));
    if (!feed) throw new Problem({ code: 'identity.feed_off' });
    await this.projections.waitFor('memberships');
    const page = await this.ended.page(service, cursor, feed.since, pageMax);
    const evidence = { service, cursor, ...page, signedAt: isoTime(this.clock.now()) };
    return { ...page, jws: await signedPage(await this.key(), evidence) };
  }

  private async answer(service: string, { ownerId }: Caller): Promise<MemberServiceAnswer> {
    const { name, feed, webhook } = valueOrProblem(await this.memberships.service(service, ownerId));
    if (!webhook) return { service, name, feed, webhook };
    await this.projections.waitFor('memberships');
    const { position, failures, failingSince, fault } = await this.deliveries.read(service);
    const undelivered = feed ? await this.ended.after(service, position, toldSince(feed, webhook)) : 0;
    const state = deliveryState(failures, undelivered);
    return { service, name, feed, webhook: { ...webhook, state, undelivered, failingSince, fault } };
  }

  private acting(caller: Caller, correlationId: string): Acting {
    return { caller, correlationId, nowMs: this.clock.now() };
  }
}
