import { Inject, Injectable } from '@nestjs/common';
import type { LinkDisputePattern } from '@tsunagu/contracts';
import { type AppendRequest, appendOne, type EventLog, expectedRevision, toNewEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG, QUESTIONS, type Questions } from '@tsunagu/service-host';
import { decideReplacement } from '../domain/correction.js';
import { accountStreamsOf, choiceStreamOf, type GuardChanges, release } from '../domain/guards.js';
import {
  type DisputeSide,
  decideDispute,
  decideErased,
  decideOwnEnd,
  type Link,
  type LinkEvent,
  linkStream,
} from '../domain/link.js';
import { serviceAccountStream } from '../domain/service-account.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { askClaimed, askOpenExchanges, askProgramme } from '../outbound/questions.js';
import type { CheckedAccount } from './account-check.js';
import { type FoundLink, guardWrites, readGuards, readLink } from './link-streams.js';
import { LINK_VAULT } from './linking.js';

/** Lost races for the streams of a link before it counts as an outage. */
const roundsMax = 20;

export interface ActedBy {
  readonly actor: string;
  readonly ownerId: string | null;
  readonly correlationId: string;
}

/** What happens to a link that stands, by one person alone. Each act is one request over the link and what it holds. */
@Injectable()
export class LinkActs {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
  ) {}

  dispute(linkId: string, pattern: LinkDisputePattern, side: DisputeSide, by: ActedBy): Promise<Result<FoundLink>> {
    return this.#act(linkId, by, [], (link) => decideDispute(link, pattern, side));
  }

  /** Disputes every link of somebody else over an account that the caller has proved to be their own. */
  async disputeHolders(
    providerId: string,
    keys: readonly string[],
    personId: string,
    by: ActedBy,
  ): Promise<Result<undefined>> {
    const streams = keys.map((key) => serviceAccountStream(providerId, key));
    const { guards } = await readGuards(this.log, streams, []);
    const others = streams.map((name) => guards.account(name)).filter((each) => each.personId !== personId);
    const linkIds = [...new Set(others.flatMap(({ links }) => links.map(({ linkId }) => linkId)))];
    // Kept for somebody whose link has ended: staff free it by a correction of that link.
    if (linkIds.length === 0 && others.some((each) => each.personId !== undefined))
      return refuse('service_link.account_taken');
    if (linkIds.length === 0) return refuse('service_link.account_not_taken');
    for (const linkId of linkIds) {
      const disputed = await this.dispute(linkId, 'account_is_mine', 'account_owner', by);
      if (!disputed.ok) return disputed;
    }
    return ok(undefined);
  }

  async end(linkId: string, by: ActedBy): Promise<Result<FoundLink>> {
    const found = await readLink(this.log, linkId);
    if (!found) return refuse('request.not_found');
    if (found.link.status === 'ended') return ok(found);
    const { programmeId, personId } = found.link.request;
    const programme = await askProgramme(this.questions, programmeId);
    const mayChange = programme?.linkChange === 'allowed' || !(await askClaimed(this.questions, programmeId, personId));
    // What is on its way must find its account until it has ended.
    const open = await askOpenExchanges(this.questions, linkId);
    if (mayChange && open.length > 0)
      return refuse('service_link.exchanges_open', {
        extensions: { exchangeIds: open.map((each) => each.exchangeId) },
      });
    const ended = await this.#act(linkId, by, [], (link, guards) => {
      const decided = decideOwnEnd(link, mayChange);
      if (decided.ok && decided.value.length > 0) release(guards, link, true);
      return decided;
    });
    if (ended.ok) await this.vault.forgetAccounts(linkId);
    return ended;
  }

  /** Its person was erased. The account stays reserved, and its reference goes with the person's key. */
  endErased(linkId: string, by: ActedBy): Promise<Result<FoundLink>> {
    return this.#act(linkId, by, [], (link, guards) => {
      const events = decideErased(link);
      if (events.length > 0) release(guards, link, true);
      return ok(events);
    });
  }

  /** The account's reference is kept before it counts: which one counts is what the log says. */
  async replace(link: Link, { keys, account }: CheckedAccount, by: ActedBy): Promise<Result<FoundLink>> {
    const { linkId, providerId } = link.request;
    await this.vault.keepAccount(link.request, keys.referenceKey, account);
    const streams = [keys.accountKey, keys.referenceKey].map((key) => serviceAccountStream(providerId, key));
    return this.#act(linkId, by, streams, (current, guards) => decideReplacement(current, keys, guards));
  }

  async #act(
    linkId: string,
    { actor, ownerId, correlationId }: ActedBy,
    furtherStreams: readonly string[],
    decide: (link: Link, guards: GuardChanges) => Result<readonly LinkEvent[]>,
  ): Promise<Result<FoundLink>> {
    for (let round = 0; round < roundsMax; round += 1) {
      const found = await readLink(this.log, linkId);
      const last = found?.recorded.at(-1);
      if (!found || !last) return refuse('request.not_found');
      const { link, recorded } = found;
      const guards = await readGuards(this.log, [...accountStreamsOf(link), ...furtherStreams], [choiceStreamOf(link)]);
      const decided = decide(link, guards.guards);
      if (!decided.ok) return decided;
      if (decided.value.length === 0) return ok(found);
      const effectiveAt = isoTime(this.clock.now());
      const recordable = (stream: string, event: { type: string; data: unknown }, index: number) =>
        toNewEvent(event, {
          // From the link's last event: the same act on the same state happens once.
          id: derivedId(`${event.type} ${index} ${stream}`, last.id),
          effectiveAt,
          correlationId,
          causationId: null,
          actor,
          ownerId,
        });
      const stream = linkStream(linkId);
      const own = decided.value.map((event, index) => recordable(stream, event, index));
      const writes: AppendRequest['writes'] = [
        { stream, expectedRevision: expectedRevision(recorded), events: own },
        ...guardWrites(guards, recordable),
      ];
      if (await appendOne(this.log, { writes })) {
        const after = await readLink(this.log, linkId);
        return after ? ok(after) : refuse('request.not_found');
      }
    }
    throw new Error(`the streams of a link were still contested after ${roundsMax} rounds`);
  }
}
