import { setTimeout as pause } from 'node:timers/promises';
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isId, isoTime } from '@tsunagu/kernel';
import { type Caller, CLOCK, CurrentCaller, EVENT_LOG, Problem, Roles, valueOrProblem } from '@tsunagu/service-host';
import { IsOptional, Matches } from 'class-validator';
import { decideReturn } from '../domain/link.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { Acting } from '../workflows/acting.js';
import { readLink } from '../workflows/link-streams.js';
import { LINK_VAULT, Linking } from '../workflows/linking.js';
import { type LinkView, linkView } from './link-view.js';
import { terminalOf } from './terminal.js';

/** A return waits at most so long for the provider, then answers with the link as it is. */
const outcomeWaitSeconds = 2;

class ProviderReturn {
  @ApiProperty({ minLength: 1, maxLength: 200 })
  @Matches(/^[\x21-\x7e]{1,200}$/, { message: 'state must be 1 to 200 printable ASCII characters' })
  state: string;

  @ApiPropertyOptional({
    minLength: 1,
    maxLength: 500,
    description: 'Absent where the page sent back an error instead',
  })
  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,500}$/, { message: 'code must be 1 to 500 printable ASCII characters' })
  code?: string | null;
}

/** The way back from a provider's own page. */
@ApiTags('links')
@Controller('service-link/v1/links')
export class LinkReturnController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    private readonly acting: Acting,
    private readonly linking: Linking,
  ) {}

  @Post(':linkId/return')
  @HttpCode(200)
  @Roles('citizen')
  @ApiOperation({ summary: 'What the provider’s page sent back, brought once by whoever began the link' })
  async comeBack(
    @Param('linkId') linkId: string,
    @Body() { state, code }: ProviderReturn,
    @CurrentCaller() caller: Caller,
  ): Promise<LinkView> {
    const { link } = await this.#begunBy(caller, linkId);
    if (terminalOf(caller) !== null) throw new Problem({ code: 'service_link.redirect_not_at_terminal' });
    valueOrProblem(await this.acting.mayChange(caller, link.request.personId));
    valueOrProblem(decideReturn(link, isoTime(this.clock.now())));
    const taken = await this.vault.takeReturn(linkId, state, code ?? null);
    if (taken === 'state_wrong') throw new Problem({ code: 'service_link.return_state_wrong' });
    if (taken !== 'kept')
      throw new Problem({ code: 'service_link.wrong_state', detail: 'The return from the provider was used before.' });
    const late = new AbortController();
    await Promise.race([
      // What runs already may have begun before the code was there.
      this.linking.advance(linkId).then(() => this.linking.advance(linkId)),
      pause(outcomeWaitSeconds * 1_000, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    const found = await this.#begunBy(caller, linkId);
    return linkView(found, (await this.vault.account(found.link))?.maskedName);
  }

  /** Only whoever began a link finishes it: the account at the provider is theirs to name. */
  async #begunBy(caller: Caller, linkId: string) {
    const found = isId(linkId) ? await readLink(this.log, linkId) : undefined;
    if (!found || found.recorded[0]?.actor !== caller.actor) throw new Problem({ code: 'request.not_found' });
    return found;
  }
}
