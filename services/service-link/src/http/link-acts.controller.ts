import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type LinkDisputePattern, linkPatterns } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  EVENT_LOG,
  Idempotent,
  KeptAnswer,
  Problem,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { currentAccount, type DisputeSide } from '../domain/link.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { AccountCheck } from '../workflows/account-check.js';
import { Acting } from '../workflows/acting.js';
import { LinkActs } from '../workflows/link-acts.js';
import { type FoundLink, readLink } from '../workflows/link-streams.js';
import { LINK_VAULT } from '../workflows/linking.js';
import { completed, type KeptLinkView, type LinkView, linkView, notKept } from './link-view.js';
import { TypedAccount } from './links.controller.js';
import { terminalOf, WithProof } from './terminal.js';

const disputePatterns = Object.keys(linkPatterns.dispute) as LinkDisputePattern[];
const sides: readonly DisputeSide[] = ['holder', 'account_owner', 'provider'];

class Dispute {
  @ApiProperty({ enum: disputePatterns })
  @IsIn(disputePatterns)
  pattern: LinkDisputePattern;

  @ApiPropertyOptional({ enum: sides, description: 'Staff only: on whose behalf. A person speaks for themselves.' })
  @IsOptional()
  @IsIn(sides)
  side?: DisputeSide | null;
}

class End extends WithProof {}

class AccountDispute extends TypedAccount {
  @ApiProperty({ type: String, pattern: '^[a-z0-9][a-z0-9-]{0,39}$' })
  @Matches(/^[a-z0-9][a-z0-9-]{0,39}$/, { message: 'providerId must be 1 to 40 of a-z, 0-9 and -' })
  providerId: string;
}

/** What happens to a link that stands. */
@ApiTags('links')
@Controller('service-link/v1')
export class LinkActsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    private readonly acting: Acting,
    private readonly acts: LinkActs,
    private readonly check: AccountCheck,
  ) {}

  @Post('links/:linkId/dispute')
  @HttpCode(200)
  @Roles('citizen', 'support', 'operator')
  @ApiOperation({ summary: 'Says that a link is wrong: nothing goes to its account until staff have looked into it' })
  async dispute(
    @Param('linkId') linkId: string,
    @Body() { pattern, side }: Dispute,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<LinkView> {
    const found = await this.#seen(caller, linkId);
    const by = { ...caller, correlationId };
    if (caller.role !== 'citizen')
      return this.#view(valueOrProblem(await this.acts.dispute(linkId, pattern, side ?? 'holder', by)));
    if (side && side !== 'holder')
      throw new Problem({ code: 'auth.role_required', detail: 'Staff alone name a side.' });
    const { link } = found;
    const { providerId, personId } = link.request;
    const account = currentAccount(link);
    // Refused because somebody else holds the account, though the provider confirmed it for this person.
    if (link.status === 'refused' && link.reasonCode === 'account_taken' && account) {
      const keys = [account.accountKey, account.referenceKey];
      valueOrProblem(await this.acts.disputeHolders(providerId, keys, personId, by));
      return this.#view(found);
    }
    return this.#view(valueOrProblem(await this.acts.dispute(linkId, pattern, 'holder', by)));
  }

  @Post('account-disputes')
  @HttpCode(200)
  @Roles('citizen')
  @Idempotent()
  @ApiOperation({ summary: 'Proves that an account is the caller’s own and disputes the links of others to it' })
  async disputeAccount(
    @Body() { providerId, providerAccountId, securityCode }: AccountDispute,
    @CurrentCaller() caller: Caller,
    @CreatedId() callId: string,
    @CorrelationId() correlationId: string,
  ): Promise<{ state: 'disputed' }> {
    const personId = caller.subject;
    const by = { personId, terminalId: terminalOf(caller) };
    const { keys } = valueOrProblem(
      await this.check.confirm(callId, providerId, { providerAccountId, securityCode }, by),
    );
    const both = [keys.accountKey, keys.referenceKey];
    valueOrProblem(await this.acts.disputeHolders(providerId, both, personId, { ...caller, correlationId }));
    return { state: 'disputed' };
  }

  @Post('links/:linkId/end')
  @HttpCode(200)
  @Roles('citizen')
  @ApiOperation({ summary: 'Ends a link, where its programme still lets the person change it' })
  async end(
    @Param('linkId') linkId: string,
    @Body() { proof }: End,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<LinkView> {
    await this.#changeable(caller, linkId);
    if (terminalOf(caller) !== null) valueOrProblem(await this.acting.proven(caller, 'end', { linkId }, proof));
    return this.#view(valueOrProblem(await this.acts.end(linkId, { ...caller, correlationId })));
  }

  @Post('links/:linkId/replace')
  @HttpCode(200)
  @Roles('citizen')
  @Idempotent({ without: notKept })
  @ApiOperation({ summary: 'A lost provider card: the same account under a new id, confirmed by the provider' })
  async replace(
    @Param('linkId') linkId: string,
    @Body() typed: TypedAccount,
    @CurrentCaller() caller: Caller,
    @CreatedId() callId: string,
    @CorrelationId() correlationId: string,
    @KeptAnswer() kept?: KeptLinkView,
  ): Promise<LinkView> {
    if (kept) return completed(kept, await this.#view(await this.#seen(caller, linkId)));
    const { link } = await this.#changeable(caller, linkId);
    if (link.status !== 'established') throw new Problem({ code: 'service_link.wrong_state' });
    const { providerAccountId, securityCode, proof } = typed;
    if (terminalOf(caller) !== null)
      valueOrProblem(await this.acting.proven(caller, 'replace', { linkId, providerAccountId }, proof));
    const by = { personId: caller.subject, terminalId: terminalOf(caller) };
    const checked = valueOrProblem(
      await this.check.confirm(callId, link.request.providerId, { providerAccountId, securityCode }, by),
    );
    return this.#view(valueOrProblem(await this.acts.replace(link, checked, { ...caller, correlationId })));
  }

  async #changeable(caller: Caller, linkId: string): Promise<FoundLink> {
    const found = await this.#seen(caller, linkId);
    valueOrProblem(await this.acting.mayChange(caller, found.link.request.personId));
    return found;
  }

  async #seen(caller: Caller, linkId: string): Promise<FoundLink> {
    const found = isId(linkId) ? await readLink(this.log, linkId) : undefined;
    if (!found || !(await this.acting.maySee(caller, found))) throw new Problem({ code: 'request.not_found' });
    return found;
  }

  async #view(found: FoundLink): Promise<LinkView> {
    return linkView(found, (await this.vault.account(found.link))?.maskedName);
  }
}
