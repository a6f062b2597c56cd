import { Body, Controller, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { domainEvents, type EventLog } from '@tsunagu/event-store';
import {
  type Caller,
  CurrentCaller,
  EVENT_LOG,
  ForProviders,
  LOGGER,
  Problem,
  QUESTIONS,
  type Questions,
  Roles,
} from '@tsunagu/service-host';
import { Matches } from 'class-validator';
import type { Logger } from 'pino';
import { type Link, shownState } from '../domain/link.js';
import { fold, type ServiceAccountEvent, serviceAccountStream } from '../domain/service-account.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { askContract, askPairwiseId } from '../outbound/questions.js';
import { Acting } from '../workflows/acting.js';
import { readLinks } from '../workflows/link-streams.js';
import { LINK_VAULT } from '../workflows/linking.js';
import { ownerOf } from './staff.js';

class PairwiseLookup {
  @ApiProperty({ type: String, minLength: 1, maxLength: 200, description: 'As the provider confirmed it for the link' })
  @Matches(/^[^\p{Cc}\p{Cs}]{1,200}$/u, { message: 'providerAccountRef must be 1 to 200 characters' })
  providerAccountRef: string;
}

class PairwiseAnswer {
  @ApiProperty({ type: String, minLength: 43, maxLength: 43, description: 'base64url; nobody else is told the same' })
  pairwiseId: string;
}

/** For a provider's own machine: by what it may know the person of an account again. In the body: references do not belong into addresses. */
@ApiTags('links')
@Controller('service-link/v1/pairwise-lookups')
export class PairwiseLookupsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    private readonly acting: Acting,
  ) {}

  @Post()
  @HttpCode(200)
  @Roles('partner')
  @ForProviders()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Whose an account with an established link is, by an id that only this provider is told' })
  async lookUp(
    @Body() { providerAccountRef }: PairwiseLookup,
    @CurrentCaller() caller: Caller,
  ): Promise<PairwiseAnswer> {
    const { providerId } = caller;
    if (providerId === undefined || !(await askContract(this.questions, providerId, ownerOf(caller))))
      throw new Problem({ code: 'request.not_found', detail: 'The token speaks for no provider of its owner.' });
    const link = await this.#establishedAt(providerId, providerAccountRef, caller);
    const pairwiseId = link && (await askPairwiseId(this.questions, link.request.personId, providerId));
    if (!link || !pairwiseId) throw new Problem({ code: 'request.not_found' });
    const { linkId } = link.request;
    this.logger.info({ look: 'pairwise', by: caller.actor, ownerId: caller.ownerId, linkId }, 'a provider asked whose');
    return { pairwiseId };
  }

  /** One of the account's links that stand undisputed, in a programme that the caller's owner sees: they are all one person's. */
  async #establishedAt(providerId: string, providerAccountRef: string, caller: Caller): Promise<Link | undefined> {
    const stream = serviceAccountStream(providerId, this.vault.referenceKey(providerId, providerAccountRef));
    const account = fold(domainEvents<ServiceAccountEvent>((await this.log.readStreams([stream])).get(stream)));
    const found = await readLinks(
      this.log,
      account.links.map(({ linkId }) => linkId),
    );
    for (const { link } of found.values()) {
      const isEstablished = shownState(link) === 'established';
      if (isEstablished && (await this.acting.maySeeAsStaff(caller, link.request.programmeId))) return link;
    }
    return undefined;
  }
}
