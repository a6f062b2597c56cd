import { Body, Controller, Get, Inject, Param, Put, Query } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Clock, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
  type SigningKey,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Matches, Max, Min, ValidateIf } from 'class-validator';
import type { MemberService } from '../domain/member-service.js';
import { signedPage } from '../outbound/signed-page.js';
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

class Feed {
  legalBasis: string;
  /** Nothing that ended before is told. */
  @ApiProperty({ format: 'date-time' })
  since: string;
}

class MemberServiceAnswer {
  service: string;
  name: string;
  @ApiProperty({ type: Feed, nullable: true })
  feed: Feed | null;
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
    return answer(valueOrProblem(await this.memberships.service(service, caller.ownerId)));
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
    return answer(valueOrProblem(await this.memberships.service(service, caller.ownerId)));
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

  private acting(caller: Caller, correlationId: string): Acting {
    return { caller, correlationId, nowMs: this.clock.now() };
  }
}

function answer({ service, name, feed }: MemberService): MemberServiceAnswer {
  return { service, name, feed };
}
