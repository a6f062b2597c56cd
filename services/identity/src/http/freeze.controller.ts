import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { type Clock, type FieldError, ok } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  EVENT_LOG,
  Problem,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import {
  decideFreeze,
  decideLift,
  type FreezeEvent,
  type FreezePattern,
  foldFreeze,
  freezePatterns,
  freezeStream,
} from '../domain/freeze.js';
import { personStream } from '../domain/person.js';
import { domainEvents, record } from '../recording.js';
import { Proving } from '../workflows/proving.js';
import { IsProof, ProofBody, signedProof } from './proof-body.js';

class FreezeOrder {
  /** By the support desk; a person freezes themselves. */
  @IsOptional()
  @IsUUID()
  personId?: string;

  /** Why; by the support desk only. */
  @ApiProperty({ enum: freezePatterns, required: false })
  @IsOptional()
  @IsIn(freezePatterns)
  pattern?: FreezePattern;
}

class LiftOrder {
  @IsProof()
  proof?: ProofBody;
}

class FreezeAnswer {
  personId: string;
  frozen: boolean;
}

/** Stops exchanges and changes of links, without a card; only the card starts them again. */
@ApiTags('freeze')
@Controller('identity/v1/freeze')
export class FreezeController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly proving: Proving,
  ) {}

  /** Effective at once. Repeating it changes nothing. */
  @Post()
  @HttpCode(200)
  @Roles('citizen', 'support')
  async freeze(
    @Body() order: FreezeOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<FreezeAnswer> {
    const { personId, by, pattern } = frozenBy(order ?? {}, caller);
    const stream = personStream(personId);
    const known = domainEvents(await this.log.readStreams([stream]), stream);
    if (known.length === 0) throw new Problem({ code: 'request.not_found' });
    await this.append(personId, caller, correlationId, (events) =>
      decideFreeze(foldFreeze(events), { personId, by, pattern }),
    );
    return { personId, frozen: true };
  }

  /** With a proof for purpose `lift_freeze` and operation `{ personId }`. */
  @Post('lift')
  @HttpCode(200)
  @Roles('citizen')
  async lift(
    @Body() order: LiftOrder,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<FreezeAnswer> {
    const personId = caller.subject;
    const act = { purpose: 'lift_freeze', operation: { personId } };
    const proven = valueOrProblem(await this.proving.signed(signedProof(order?.proof), personId, act));
    await this.append(personId, caller, correlationId, (events) => decideLift(foldFreeze(events), proven));
    return { personId, frozen: false };
  }

  private async append(
    personId: string,
    caller: Caller,
    correlationId: string,
    decide: (events: readonly FreezeEvent[]) => readonly FreezeEvent[],
  ): Promise<void> {
    const stream = freezeStream(personId);
    await record(this.log, [stream], { caller, correlationId, nowMs: this.clock.now() }, (streams) =>
      ok(new Map([[stream, decide(domainEvents<FreezeEvent>(streams, stream))]])),
    );
  }
}

/** Whom a caller may freeze: a person themselves; the support desk anybody, for a reason of the list. */
function frozenBy({ personId, pattern }: FreezeOrder, caller: Caller) {
  if (caller.role === 'citizen') {
    if (personId !== undefined && personId !== caller.subject) throw new Problem({ code: 'request.not_found' });
    if (pattern !== undefined) throw invalid('pattern', 'only the support desk gives one');
    return { personId: caller.subject, by: 'person', pattern: null } as const;
  }
  if (personId === undefined) throw invalid('personId', 'the support desk names the person');
  if (pattern === undefined) throw invalid('pattern', 'the support desk gives one');
  return { personId, by: 'support', pattern } as const;
}

function invalid(field: string, message: string): Problem {
  const error: FieldError = { field, code: 'required', message };
  return new Problem({ code: 'request.invalid', errors: [error] });
}
