import { setTimeout as pause } from 'node:timers/promises';
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { appendOne, type EventLog, toNewEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isId, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CONFIG,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  Idempotent,
  KeptAnswer,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  QUESTIONS,
  type Questions,
  Roles,
  until,
  valueOrProblem,
  waitSeconds,
} from '@tsunagu/service-host';
import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength, ValidateIf } from 'class-validator';
import type { Pool } from 'pg';
import type { ServiceLinkConfig } from '../config.js';
import { decideEstablish } from '../domain/establish.js';
import { decideConfirmation, type LinkMethod, linkStream } from '../domain/link.js';
import * as choice from '../domain/provider-choice.js';
import * as account from '../domain/service-account.js';
import { newAuthorization } from '../outbound/authorization.js';
import type { CodeAttempts } from '../outbound/code-attempts.js';
import type { LinkVault, TypedSecrets } from '../outbound/link-vault.js';
import { askProgramme, askProvider } from '../outbound/questions.js';
import { Acting } from '../workflows/acting.js';
import { type FoundLink, readGuards, readLink, readLinks } from '../workflows/link-streams.js';
import { CODE_ATTEMPTS, LINK_VAULT, Linking } from '../workflows/linking.js';
import { completed, type KeptLinkView, type LinkView, linkView, notKept } from './link-view.js';
import { terminalOf, WithProof } from './terminal.js';

/** A POST waits at most so long for the provider, then answers with the link as it is. */
const outcomeWaitSeconds = 2;
/** A person's links in one answer, newest first. */
const listMax = 100;

/** What a person types to prove that an account is theirs. */
export class TypedAccount extends WithProof {
  @ApiProperty({ minLength: 1, maxLength: 64 })
  @Matches(/^[\x21-\x7e]{1,64}$/, { message: 'providerAccountId must be 1 to 64 printable ASCII characters' })
  providerAccountId: string;

  @ApiProperty({ minLength: 1, maxLength: 32 })
  @Matches(/^[\x21-\x7e]{1,32}$/, { message: 'securityCode must be 1 to 32 printable ASCII characters' })
  securityCode: string;
}

const methods: readonly LinkMethod[] = ['code', 'redirect'];

/** The account is named here, not on the provider's page. */
const isTyped = ({ method }: { readonly method?: LinkMethod | null }) => method !== 'redirect';

class LinkOrder extends WithProof {
  @ApiPropertyOptional({ enum: methods, default: 'code', description: 'redirect: over the provider’s own page' })
  @IsOptional()
  @IsIn(methods)
  method?: LinkMethod | null;

  @ApiPropertyOptional({ minLength: 1, maxLength: 64, description: 'Needed with the method code, and only with it' })
  @ValidateIf(isTyped)
  @Matches(/^[\x21-\x7e]{1,64}$/, { message: 'providerAccountId must be 1 to 64 printable ASCII characters' })
  providerAccountId?: string | null;

  @ApiPropertyOptional({ minLength: 1, maxLength: 32, description: 'Needed with the method code, and only with it' })
  @ValidateIf(isTyped)
  @Matches(/^[\x21-\x7e]{1,32}$/, { message: 'securityCode must be 1 to 32 printable ASCII characters' })
  securityCode?: string | null;

  @ApiPropertyOptional({
    maxLength: 500,
    description: 'With redirect: one of the pages that are set up; the first by default',
  })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  returnTo?: string | null;

  @ApiProperty({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' })
  @Matches(/^[a-z0-9][a-z0-9-]{0,39}$/, { message: 'providerId must be 1 to 40 of a-z, 0-9 and -' })
  providerId: string;

  @ApiPropertyOptional({ minLength: 1, maxLength: 64, default: 'default' })
  @IsOptional()
  @Matches(/^[\w-]{1,64}$/, { message: 'programmeId must be 1 to 64 letters, digits, - and _' })
  programmeId?: string | null;

  @ApiPropertyOptional({ format: 'uuid', description: 'A child under 15 whose recorded guardian the caller is' })
  @IsOptional()
  @IsUUID()
  onBehalfOf?: string | null;
}

class Confirmation extends WithProof {}

class LinkList {
  @ApiPropertyOptional({ format: 'uuid', description: 'A child whose recorded guardian the caller is' })
  @IsOptional()
  @IsUUID()
  onBehalfOf?: string;
}

@ApiTags('links')
@Controller('service-link/v1/links')
export class LinksController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ServiceLinkConfig,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    @Inject(CODE_ATTEMPTS) private readonly attempts: CodeAttempts,
    private readonly linking: Linking,
    private readonly acting: Acting,
  ) {}

  @Post()
  @HttpCode(202)
  @Roles('citizen')
  @Idempotent({ without: notKept })
  async request(
    @Body() order: LinkOrder,
    @CurrentCaller() caller: Caller,
    @CreatedId() linkId: string,
    @CorrelationId() correlationId: string,
    @KeptAnswer() kept?: KeptLinkView,
  ): Promise<LinkView> {
    if (kept) return completed(kept, await this.#own(caller, kept.linkId));
    if ((await readLink(this.log, linkId)) === undefined) await this.#open(order, caller, linkId, correlationId);
    // Over the provider's page nothing is to be waited for yet.
    if (order.method === 'redirect') {
      this.linking.advanceLater(linkId);
      return this.#own(caller, linkId);
    }
    // Waiting for this process's own work on it, not on the log, whose every append would wake every waiting call.
    const late = new AbortController();
    await Promise.race([
      this.linking.advance(linkId),
      pause(outcomeWaitSeconds * 1_000, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    return this.#own(caller, linkId);
  }

  @Get()
  @Roles('citizen')
  async list(
    @CurrentCaller() caller: Caller,
    @Query() { onBehalfOf: personId = caller.subject }: LinkList,
  ): Promise<{ links: readonly LinkView[] }> {
    if (!(await this.acting.mayRead(caller, personId))) throw new Problem({ code: 'request.not_found' });
    await this.projections.waitFor('links');
    const { rows } = await this.database.query<{ link_id: string }>(
      `select link_id from links where person_id = $1 order by requested_at desc, link_id limit ${listMax}`,
      [personId],
    );
    const found = await readLinks(
      this.log,
      rows.map((row) => row.link_id),
    );
    const accounts = await this.vault.accounts([...found.values()].map(({ link }) => link));
    return { links: [...found].map(([linkId, link]) => linkView(link, accounts.get(linkId)?.maskedName)) };
  }

  @Get(':linkId')
  @Roles('citizen')
  one(
    @Param('linkId') linkId: string,
    @CurrentCaller() caller: Caller,
    @Headers('prefer') prefer: string | undefined,
  ): Promise<LinkView> {
    return this.#waitForAnswer(caller, linkId, waitSeconds(prefer) ?? 0);
  }

  /** The person's own confirmation, in programmes that ask for it. */
  @Post(':linkId/confirm')
  @HttpCode(200)
  @Roles('citizen')
  async confirm(
    @Param('linkId') linkId: string,
    @Body() { proof }: Confirmation,
    @CurrentCaller() caller: Caller,
  ): Promise<LinkView> {
    await this.#own(caller, linkId);
    const link = (await readLink(this.log, linkId))?.link;
    if (!link) throw new Problem({ code: 'request.not_found' });
    valueOrProblem(await this.acting.mayChange(caller, link.request.personId));
    if (valueOrProblem(decideConfirmation(link, isoTime(this.clock.now()))) === 'establish') {
      if (link.request.linkConfirmation === 'proof')
        valueOrProblem(await this.acting.proven(caller, 'confirm', { linkId }, proof));
      await this.linking.establish(linkId);
    }
    await this.linking.advance(linkId);
    return this.#own(caller, linkId);
  }

  /** Checks what is known already, seals what was typed, then records the wish. */
  async #open(order: LinkOrder, caller: Caller, linkId: string, correlationId: string): Promise<void> {
    const { providerId } = order;
    const typed = typedIn(order);
    const programmeId = order.programmeId ?? 'default';
    const personId = order.onBehalfOf ?? caller.subject;
    valueOrProblem(await this.acting.mayChange(caller, personId));
    const terminalId = terminalOf(caller);
    if (terminalId !== null && !typed) throw new Problem({ code: 'service_link.redirect_not_at_terminal' });
    const returnTo = order.returnTo ?? this.config.returnUrls[0];
    if (!typed && (returnTo === undefined || !this.config.returnUrls.includes(returnTo)))
      throw new Problem({ code: 'service_link.return_not_allowed' });
    if (terminalId !== null) {
      const operation = { providerId, providerAccountId: typed?.providerAccountId, programmeId };
      valueOrProblem(await this.acting.proven(caller, 'request', operation, order.proof));
    }
    const [provider, programme] = await Promise.all([
      askProvider(this.questions, providerId),
      askProgramme(this.questions, programmeId),
    ]);
    if (!provider) throw new Problem({ code: 'service_link.provider_unknown' });
    if (!programme) throw new Problem({ code: 'service_link.programme_unknown' });
    const now = this.clock.now();
    const accountKey = typed && this.vault.accountKey(providerId, typed.providerAccountId);
    const request = {
      linkId,
      personId,
      providerId,
      programmeId,
      providersPerPerson: programme.providersPerPerson,
      // Whoever stands at a terminal sees whose account it is, and taps once more.
      linkConfirmation: terminalId === null ? programme.linkConfirmation : ('proof' as const),
      ...(accountKey === null ? { method: 'redirect' as const } : { accountKey }),
      expiresAt: isoTime(now + this.config.linkTtlHours * 3_600_000),
    };
    const accountStreams = accountKey === null ? [] : [account.serviceAccountStream(providerId, accountKey)];
    const choiceStream = choice.providerChoiceStream(personId, programmeId);
    const { guards, streams } = await readGuards(this.log, accountStreams, [choiceStream]);
    // A link over the provider's page counts for its person while it is open: nobody keeps many of them open.
    const attempt = { attemptId: linkId, accountKey: accountKey ?? linkId, personId: caller.subject, terminalId };
    valueOrProblem(await this.attempts.take(attempt, now));
    const held = { accounts: accountStreams.map((name) => guards.account(name)), choice: guards.choice(choiceStream) };
    const known = decideEstablish(held, request);
    if (!known.ok) {
      // The answer tells whether an account is linked, without any code: looking for such accounts is an attempt too.
      if (known.refusal.code === 'service_link.account_taken') await this.attempts.wrongForPerson(linkId);
      else await this.attempts.forget(linkId);
      throw new Problem(known.refusal);
    }
    // First the secrets: a link on the log can always be worked on; secrets without one are swept away.
    await this.vault.keepSecrets(request, typed ?? newAuthorization(provider.baseUrl, linkId, returnTo ?? ''));
    const event = toNewEvent(
      { type: 'LinkRequested', data: request },
      {
        id: derivedId('LinkRequested', linkId),
        effectiveAt: isoTime(now),
        correlationId,
        causationId: null,
        actor: caller.actor,
        ownerId: null,
        reads: Object.fromEntries([...streams].map(([name, events]) => [name, events.at(-1)?.revision ?? -1])),
      },
    );
    await appendOne(this.log, {
      writes: [{ stream: linkStream(linkId), expectedRevision: 'noStream', events: [event] }],
    });
  }

  #waitForAnswer(caller: Caller, linkId: string, seconds: number): Promise<LinkView> {
    // The provider's answer is waited for; the person's own confirmation is not.
    return until(
      this.log,
      () => this.#own(caller, linkId),
      (view) => view.state !== 'requested',
      seconds,
    );
  }

  async #own(caller: Caller, linkId: string): Promise<LinkView> {
    const found = isId(linkId) ? await readLink(this.log, linkId) : undefined;
    if (!found || !(await this.acting.maySee(caller, found))) throw new Problem({ code: 'request.not_found' });
    return linkView(
      found,
      (await this.vault.account(found.link))?.maskedName,
      await this.#authorizationUrl(caller, found),
    );
  }

  /** Only for whoever asked for the link, on their own device, while the provider's page is still to be visited. */
  async #authorizationUrl(caller: Caller, { link, recorded }: FoundLink): Promise<string | undefined> {
    const isOpen = link.status === 'requested' && link.request.method === 'redirect';
    if (!isOpen || recorded[0]?.actor !== caller.actor || terminalOf(caller) !== null) return undefined;
    if (this.clock.now() >= Date.parse(link.request.expiresAt)) return undefined;
    const secrets = await this.vault.secrets(link.request.linkId);
    return secrets && 'state' in secrets && secrets.code === undefined ? secrets.authorizationUrl : undefined;
  }
}

/** What was typed; null where the provider’s own page asks for it. A body that mixes the two is refused. */
function typedIn(order: LinkOrder): TypedSecrets | null {
  const { providerAccountId, securityCode, returnTo } = order;
  const extras = isTyped(order) ? { returnTo } : { providerAccountId, securityCode };
  const field = Object.entries(extras).find(([, value]) => value != null)?.[0];
  if (field !== undefined) {
    const message = `${field} does not go with this method`;
    throw new Problem({ code: 'request.invalid', errors: [{ field, code: 'not_with_method', message }] });
  }
  // Checked on the way in: whoever types gives both.
  return isTyped(order) ? ({ providerAccountId, securityCode } as TypedSecrets) : null;
}
