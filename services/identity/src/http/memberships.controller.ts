import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Clock } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  DATABASE,
  Idempotent,
  LOGGER,
  noteLook,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsUUID, Matches } from 'class-validator';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { Looks } from '../outbound/looks.js';
import type { Acting } from '../recording.js';
import { Memberships } from '../workflows/memberships.js';
import { PairwiseIds } from '../workflows/pairwise-ids.js';
import { Proving } from '../workflows/proving.js';
import { Survivors } from '../workflows/survivors.js';
import { TerminalSessions } from '../workflows/terminal-sessions.js';
import { HeldBody, heldProof, IsProof, ProofBody, signedProof } from './proof-body.js';

/** A person's services in one answer. */
const listMax = 200;
const servicePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;

class ServiceChoice {
  @ApiProperty({ pattern: servicePattern.source })
  @Matches(servicePattern, { message: 'service must be 1 to 40 of a-z, 0-9 and -' })
  service: string;
}

class MembershipOrder extends ServiceChoice {
  /** The service's own id of the person, such as the number of a library card. */
  @ApiProperty({ minLength: 1, maxLength: 64 })
  @Matches(/^[^\p{C}]{1,64}$/u, { message: 'serviceId must be 1 to 64 printable characters' })
  serviceId: string;

  @IsUUID()
  terminalSessionId: string;

  /** Purpose `register_membership`, operation `{ service, serviceId, terminalSessionId }`. */
  @IsProof()
  proof?: ProofBody;
}

class MembershipEnd extends ServiceChoice {
  /** Purpose `end_membership`, operation `{ service }`. */
  @IsProof()
  proof?: ProofBody;
}

class MembershipLookup extends HeldBody {
  /** The challenge is asked for with purpose `lookup_membership` and operation `{ service }`. */
  @ApiProperty({ pattern: servicePattern.source })
  @Matches(servicePattern, { message: 'service must be 1 to 40 of a-z, 0-9 and -' })
  service: string;
}

/** By which this service alone knows the person: the same after another service id, card or registration. */
class PairwiseAnswer {
  service: string;
  @ApiProperty({
    minLength: 43,
    maxLength: 43,
    description: 'base64url; no other service or provider is told the same',
  })
  pairwiseId: string;
}

/** Without the service id: the answer to an idempotent call is kept for 30 days outside the vault. */
class RegistrationAnswer extends PairwiseAnswer {
  @ApiProperty({ enum: ['registered'] })
  state: 'registered';
}

class MembershipAnswer extends PairwiseAnswer {
  serviceId: string;
}

class OwnMembership {
  service: string;
  @ApiProperty({ type: String, nullable: true })
  serviceId: string | null;
  @ApiProperty({ format: 'date-time' })
  registeredAt: string;
}

class OwnMemberships {
  @ApiProperty({ type: [OwnMembership] })
  memberships: readonly OwnMembership[];
}

interface MembershipRow {
  readonly person_id: string;
  readonly service: string;
  readonly service_id_ref: string;
  readonly registered_at: Date;
}

/** Service ids of persons. A service's terminals register and look up their own service's id, and see nothing else of the person. */
@ApiTags('counter')
@Controller('identity/v1/memberships')
export class MembershipsController {
  constructor(
    private readonly memberships: Memberships,
    private readonly terminals: TerminalSessions,
    private readonly proving: Proving,
    private readonly looks: Looks,
    private readonly pairwiseIds: PairwiseIds,
    private readonly survivors: Survivors,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The final confirmation at the counter: the service card was read, and the person's card signs for just this id. */
  @Post()
  @Roles('kiosk')
  @Idempotent()
  async register(
    @Body() { service, serviceId, terminalSessionId, proof }: MembershipOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<RegistrationAnswer> {
    valueOrProblem(await this.memberships.service(service, caller.ownerId));
    const act = { purpose: 'register_membership', operation: { service, serviceId } };
    const proven = valueOrProblem(await this.terminals.prove(caller, terminalSessionId, signedProof(proof), act));
    const order = { service, serviceId, terminalId: caller.subject };
    const pairwiseId = await this.pairwiseId(service, proven.personId);
    valueOrProblem(await this.memberships.register(order, proven, this.acting(caller, correlationId)));
    return { service, state: 'registered', pairwiseId };
  }

  /** By a card that is held, without its PIN. The terminal gets this service's ids of the person and nothing else. */
  @Post('lookup')
  @HttpCode(200)
  @Roles('kiosk')
  async lookup(
    @Body() body: MembershipLookup,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<MembershipAnswer> {
    const { service } = body;
    valueOrProblem(await this.memberships.service(service, caller.ownerId));
    const act = { purpose: 'lookup_membership', operation: { service } };
    const { personId } = valueOrProblem(await this.proving.held(heldProof(body), act));
    noteLook(this.logger, 'membership looked at', caller, { correlationId, personId, service });
    const serviceId = valueOrProblem(await this.memberships.idOf(service, personId));
    const pairwiseId = await this.pairwiseId(service, personId);
    const look = { reason: `membership lookup ${service}`, fields: ['serviceId', 'pairwiseId'] };
    await this.looks.note(caller, { personIds: [personId] }, look, correlationId);
    return { service, serviceId, pairwiseId };
  }

  /** Where the person is registered. */
  @Get()
  @Roles('citizen')
  async list(@CurrentCaller() caller: Caller): Promise<OwnMemberships> {
    await this.projections.waitFor('memberships');
    const { rows } = await this.database.query<MembershipRow>(
      `select person_id, service, service_id_ref, registered_at from memberships
       where person_id = any($1::uuid[]) and ended_at is null order by service, registered_at limit ${listMax}`,
      [await this.survivors.sameAs(caller.subject)],
    );
    const memberships = rows.map(async (row) => ({
      service: row.service,
      serviceId: (await this.memberships.textOf(row.person_id, row.service_id_ref)) ?? null,
      registeredAt: row.registered_at.toISOString(),
    }));
    return { memberships: await Promise.all(memberships) };
  }

  /** By the person, with the card. Repeating it changes nothing. */
  @Post('end')
  @HttpCode(204)
  @Roles('citizen')
  async end(
    @Body() { service, proof }: MembershipEnd,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<void> {
    const act = { purpose: 'end_membership', operation: { service } };
    const proven = valueOrProblem(await this.proving.signed(signedProof(proof), caller.subject, act));
    await this.memberships.end(service, proven, this.acting(caller, correlationId));
  }

  /** Who was erased since the card was read has none. */
  private async pairwiseId(service: string, personId: string): Promise<string> {
    const pairwiseId = await this.pairwiseIds.of(`service:${service}`, personId);
    if (!pairwiseId) throw new Problem({ code: 'identity.erased' });
    return pairwiseId;
  }

  private acting(caller: Caller, correlationId: string): Acting {
    return { caller, correlationId, nowMs: this.clock.now() };
  }
}
