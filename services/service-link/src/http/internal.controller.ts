import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import { EVENT_LOG, Problem, Roles } from '@tsunagu/service-host';
import { shownState } from '../domain/link.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { readLink } from '../workflows/link-streams.js';
import { LINK_VAULT } from '../workflows/linking.js';

/** What exchange-settlement asks before it sends points to a link. */
@ApiExcludeController()
@Controller('service-link/internal/v1')
export class InternalController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
  ) {}

  @Get('links/:linkId')
  @Roles('service')
  async link(@Param('linkId') linkId: string) {
    if (!isId(linkId)) throw new Problem({ code: 'request.not_found' });
    const link = (await readLink(this.log, linkId))?.link;
    if (!link) throw new Problem({ code: 'request.not_found' });
    const { personId, providerId } = link.request;
    const state = shownState(link);
    const account = state === 'established' || link.owesOutcome ? await this.vault.account(link) : undefined;
    return { linkId, personId, providerId, state, providerAccountRef: account?.providerAccountRef ?? null };
  }
}
