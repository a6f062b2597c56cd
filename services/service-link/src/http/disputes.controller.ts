import { Body, Controller, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import {
  type Caller,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  LOGGER,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type Questions,
  Roles,
} from '@tsunagu/service-host';
import { Matches } from 'class-validator';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { shownState, subjectOf } from '../domain/link.js';
import { serviceAccountStream } from '../domain/service-account.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { askOpenExchanges } from '../outbound/questions.js';
import { Acting } from '../workflows/acting.js';
import { type FoundLink, readLinks } from '../workflows/link-streams.js';
import { LINK_VAULT } from '../workflows/linking.js';

/** Disputed links in one answer, oldest first: who works them off sees the next ones. */
const listMax = 100;

class AccountLookup {
  @ApiProperty({ type: String, pattern: '^[a-z0-9][a-z0-9-]{0,39}$' })
  @Matches(/^[a-z0-9][a-z0-9-]{0,39}$/, { message: 'providerId must be 1 to 40 of a-z, 0-9 and -' })
  providerId: string;

  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: 200,
    description: 'The account id as persons type it, or the provider’s own reference of the account',
  })
  // As long as a provider's reference may be.
  @Matches(/^[^\p{Cc}\p{Cs}]{1,200}$/u, { message: 'providerAccountId must be 1 to 200 characters' })
  providerAccountId: string;
}

@ApiTags('link changes')
@Controller('service-link/v1')
export class DisputesController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    private readonly acting: Acting,
  ) {}

  @Get('disputes')
  @Roles('support', 'operator', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Links that are disputed, longest first, with the exchanges that they hold back' })
  async list(@CurrentCaller() caller: Caller) {
    await this.projections.waitFor('links');
    const programmes = await this.#programmesOf(caller);
    const { rows } = await this.database.query<{ link_id: string }>(
      `select link_id from links where state = 'disputed' and programme_id = any($1)
        order by disputed_at, link_id limit ${listMax}`,
      [programmes],
    );
    const found = await readLinks(
      this.log,
      rows.map((row) => row.link_id),
    );
    return { disputes: await Promise.all([...found.values()].map(({ recorded }) => this.#view(recorded))) };
  }

  /** Whose link holds or held an account that somebody asks about. In the body: account ids do not belong into addresses. */
  @Post('account-lookups')
  @HttpCode(200)
  @Roles('support', 'operator')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The links that an account at a provider has had, newest first; every look is logged' })
  async lookUp(@Body() { providerId, providerAccountId }: AccountLookup, @CurrentCaller() caller: Caller) {
    const links = [];
    for (const { link } of await this.#linksOfAccount(providerId, providerAccountId)) {
      if (await this.acting.maySeeAsStaff(caller, link.request.programmeId))
        links.push({ ...subjectOf(link), state: shownState(link) });
    }
    const linkIds = links.map(({ linkId }) => linkId);
    this.logger.info({ look: 'account', by: caller.actor, ownerId: caller.ownerId, linkIds }, 'staff looked at links');
    return { links };
  }

  /**
   * A link over the provider's page is bound under the provider's reference alone: it is found by that, or by an account id that
   * some other link was given for the same reference.
   */
  async #linksOfAccount(providerId: string, asked: string): Promise<readonly FoundLink[]> {
    const named = await this.#boundTo(providerId, [
      this.vault.accountKey(providerId, asked),
      this.vault.referenceKey(providerId, asked),
    ]);
    const references = named.flatMap(({ link }) => link.accounts.map(({ referenceKey }) => referenceKey));
    const found = new Map(
      [...named, ...(await this.#boundTo(providerId, references))].map((each) => [each.link.request.linkId, each]),
    );
    const requestedAt = ({ recorded }: FoundLink) => recorded[0]?.position ?? 0;
    return [...found.values()].sort((one, other) => requestedAt(other) - requestedAt(one)).slice(0, listMax);
  }

  async #boundTo(providerId: string, keys: readonly string[]): Promise<readonly FoundLink[]> {
    const streams = [...new Set(keys)].map((key) => serviceAccountStream(providerId, key));
    const linkIds = [...(await this.log.readStreams(streams)).values()].flatMap((recorded) =>
      recorded
        .flatMap(({ type, data }) => (type === 'ServiceAccountBound' ? [(data as { linkId: string }).linkId] : []))
        .slice(-listMax),
    );
    return [...(await readLinks(this.log, [...new Set(linkIds)])).values()];
  }

  async #programmesOf(caller: Caller): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ programme_id: string }>(
      `select distinct programme_id from links where state = 'disputed'`,
    );
    const seen = await Promise.all(
      rows.map(async ({ programme_id }) =>
        (await this.acting.maySeeAsStaff(caller, programme_id)) ? programme_id : [],
      ),
    );
    return seen.flat();
  }

  async #view(recorded: FoundLink['recorded']) {
    const dispute = recorded.findLast((event) => event.type === 'LinkDisputed');
    if (dispute?.type !== 'LinkDisputed') throw new Error('a disputed link was disputed');
    const { linkId } = dispute.data;
    return {
      ...dispute.data,
      raisedBy: dispute.actor,
      disputedAt: dispute.effectiveAt,
      heldBack: await askOpenExchanges(this.questions, linkId),
    };
  }
}
