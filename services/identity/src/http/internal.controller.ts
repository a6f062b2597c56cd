import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { domainEvents, StreamReader } from '@tsunagu/event-store';
import { isId, isJapanDay, type JapanDay } from '@tsunagu/kernel';
import { CorrelationId, Problem, Roles } from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { mayUse } from '../domain/consent.js';
import { answerRules, type RuleAnswer } from '../domain/eligibility.js';
import { fold, type Person, type PersonEvent, personStream } from '../domain/person.js';
import { SessionEnds } from '../outbound/session-ends.js';
import { Vault } from '../outbound/vault.js';
import { CardChecks } from '../workflows/card-checks.js';
import { Survivors } from '../workflows/survivors.js';

class RulesQuestion {
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(150)
  minimumAge?: number;

  @IsOptional()
  @Matches(/^\d{4}-\d{2}-\d{2}$/)
  ageAsOf?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(2_000)
  @Matches(/^\d{1,5}$/, { each: true })
  residencePrefixes?: string[];

  @IsOptional()
  @Matches(/^\d{4}-\d{2}-\d{2}$/)
  residentAsOf?: string;
}

class RulesAsked {
  @IsObject()
  @ValidateNested()
  @Type(() => RulesQuestion)
  rules: RulesQuestion;

  @IsISO8601()
  at: string;
}

class EligibilityQuestion extends RulesAsked {
  @IsUUID()
  personId: string;
}

/** Many persons, one set of rules: what a launch asks. */
class EligibilitiesQuestion extends RulesAsked {
  @IsArray()
  @ArrayMaxSize(500)
  @IsUUID(undefined, { each: true })
  personIds: string[];
}

class CardsQuestion {
  @IsArray()
  @ArrayMaxSize(50)
  @IsUUID(undefined, { each: true })
  personIds: string[];
}

class EndedSessionsQuestion {
  @Type(() => Number)
  @IsInt()
  @Min(0)
  after = 0;

  /** Seconds. */
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(10)
  wait = 0;
}

/** What other services ask. Facts stay here: rules come in, answers go out. */
@ApiExcludeController()
@Controller('identity/internal/v1')
@Roles('service')
export class InternalController {
  constructor(
    private readonly reader: StreamReader,
    private readonly vault: Vault,
    private readonly sessionEnds: SessionEnds,
    private readonly survivors: Survivors,
    private readonly cardChecks: CardChecks,
  ) {}

  /**
   * Whether rules hold for a person, whether grants to them wait for a review, and whom the id means: a campaign that asks for a
   * merged person's id sends them to sign in again.
   */
  @Post('eligibility')
  @HttpCode(200)
  async eligibility(@Body() { personId, rules, at }: EligibilityQuestion): Promise<EligibilityAnswer> {
    const [standing] = await this.standings([personId], rules, at);
    if (!standing) throw new Problem({ code: 'request.not_found' });
    return standing;
  }

  /** The same of many persons, in their order; null for an id of nobody. */
  @Post('eligibilities')
  @HttpCode(200)
  async eligibilities(
    @Body() { personIds, rules, at }: EligibilitiesQuestion,
  ): Promise<{ standings: readonly (EligibilityAnswer | null)[] }> {
    return { standings: await this.standings(personIds, rules, at) };
  }

  /** Asks the issuer what became of these persons' cards; what it says is in the standing from then on. */
  @Post('card-checks')
  @HttpCode(200)
  async checkCards(@Body() { personIds }: CardsQuestion, @CorrelationId() correlationId: string) {
    await this.cardChecks.check([...new Set(personIds)], correlationId);
    return { personIds };
  }

  /** Whom an id means today, and all ids that mean them. */
  @Get('persons/:personId')
  async whoIs(@Param('personId') id: string) {
    const survivor = isId(id) ? (await this.survivors.of([id])).get(id) : undefined;
    if (!survivor) throw new Problem({ code: 'request.not_found' });
    return { personId: survivor.personId, personIds: await this.survivors.idsOf(survivor) };
  }

  @Get('ended-sessions')
  endedSessions(@Query() { after, wait }: EndedSessionsQuestion) {
    return this.sessionEnds.after(after, wait * 1_000);
  }

  private async standings(personIds: readonly string[], rules: RulesQuestion, at: string) {
    const days = { ageAsOf: day(rules.ageAsOf, 'ageAsOf'), residentAsOf: day(rules.residentAsOf, 'residentAsOf') };
    const isAsked = rules.minimumAge !== undefined || rules.residencePrefixes !== undefined;
    const [streams, facts] = await Promise.all([
      this.reader.read(personIds.map(personStream)),
      isAsked ? this.vault.attributesOf(personIds) : undefined,
    ]);
    return Promise.all(
      personIds.map(async (personId): Promise<EligibilityAnswer | null> => {
        const own = fold(domainEvents<PersonEvent>(streams.get(personStream(personId))));
        if (!own) return null;
        const held = facts?.get(personId);
        // A withdrawal or an erasure counts from the moment it stands on the log, also where the vault has yet to forget.
        const usable = held && own.erasureId === null && mayUse(own, held.readAt) ? held : undefined;
        const survivor = own.mergedInto ? await this.survivors.one(personId) : own;
        return {
          answers: answerRules({ ...rules, ...days }, usable, Date.parse(at)),
          underReview: own.heldBy.length > 0,
          revocation: own.revocation,
          erased: own.erasureId !== null,
          personId: survivor.personId,
          formerPersonIds: (await this.survivors.idsOf(survivor)).filter((id) => id !== survivor.personId),
        };
      }),
    );
  }
}

interface EligibilityAnswer {
  readonly answers: readonly RuleAnswer[];
  /** Grants to the person wait for the decision of a review. */
  readonly underReview: boolean;
  /** Whether somebody can prove to be the person now, as far as their cards were looked at; `change` orders what is said of that. */
  readonly revocation: Person['revocation'];
  readonly erased: boolean;
  /** The person that the id means since a merge. */
  readonly personId: string;
  /** Other ids that mean them. */
  readonly formerPersonIds: readonly string[];
}

function day(text: string | undefined, field: string): JapanDay | undefined {
  if (text === undefined || isJapanDay(text)) return text;
  throw new Problem({
    code: 'request.invalid',
    errors: [{ field: `rules.${field}`, code: 'day', message: 'no such day' }],
  });
}
