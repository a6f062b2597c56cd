import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { answerTo, appendOne, type EventLog, expectedRevision, type RecordedEvent } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import type { ProviderCalls } from '@tsunagu/provider-client';
import { CLOCK, CONFIG, EVENT_LOG, LOGGER, QUESTIONS, type Questions } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { ServiceLinkConfig } from '../config.js';
import { decideEstablish } from '../domain/establish.js';
import { accountStreamsOf } from '../domain/guards.js';
import {
  decideAnswer,
  decideEnd,
  decideExpiry,
  hasEnded,
  type Link,
  type LinkEvent,
  linkStream,
  returnConfirms,
} from '../domain/link.js';
import * as choice from '../domain/provider-choice.js';
import { noSoonerThan, type Waiting } from '../outbound/answer-floor.js';
import type { CodeAttempts } from '../outbound/code-attempts.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { confirmAccount, confirmVisit, notFinished } from '../outbound/provider.js';
import { askOpenExchanges, askProvider } from '../outbound/questions.js';
import { readGuards, readLink, readLinks } from './link-streams.js';

export const LINK_VAULT = Symbol('LINK_VAULT');
export const PROVIDER_CALLS = Symbol('PROVIDER_CALLS');
export const CODE_ATTEMPTS = Symbol('CODE_ATTEMPTS');
export const WAITING = Symbol('WAITING');

/** Real time between two attempts at a provider that does not answer: from the first doubling to the last. */
const actor = 'service:service-link';
const retryMsMin = 2_000;
const retryMsMax = 300_000;
/** Links that nobody works on, taken up in one sweep. */
const sweepLinksMax = 1_000;
/** Secrets this old without a first event belong to a call that was cut off before it. */
const orphanSeconds = 3_600;
/** Rows of each table that an earlier release sealed, sealed anew in one sweep. */
const sealOlderMax = 500;
/** Lost races for the same streams before it counts as an outage. */
const roundsMax = 20;

/**
 * Brings each link to its end: asks the provider, then takes the account and the choice in one append. Every step follows from
 * recorded events, so it goes on after a stop wherever it was; two processes on one link do no harm.
 */
@Injectable()
export class Linking implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #running = new Map<string, Promise<void>>();
  readonly #retries = new Map<string, { timer: NodeJS.Timeout; delayMs: number }>();
  #sweep: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ServiceLinkConfig,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
    @Inject(PROVIDER_CALLS) private readonly calls: ProviderCalls,
    @Inject(CODE_ATTEMPTS) private readonly attempts: CodeAttempts,
    @Inject(WAITING) private readonly waiting: Waiting,
  ) {}

  onApplicationBootstrap(): void {
    this.#scheduleSweep(0);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#sweep);
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    await Promise.all(this.#running.values());
  }

  /** Works on a link until it ends or has to wait. Never rejects: what failed is tried again later. */
  advance(linkId: string): Promise<void> {
    const running = this.#running.get(linkId);
    if (running || this.#stopped) return running ?? Promise.resolve();
    const work = this.#work(linkId).finally(() => this.#running.delete(linkId));
    this.#running.set(linkId, work);
    return work;
  }

  /** For a link that nobody can have answered for yet. */
  advanceLater(linkId: string): void {
    if (!this.#running.has(linkId) && !this.#retries.has(linkId)) this.#retryLater(linkId);
  }

  /** Takes account and choice for a link whose provider said yes, or records why it cannot be. */
  async establish(linkId: string): Promise<Link | undefined> {
    for (let round = 0; round < roundsMax; round += 1) {
      const found = await readLink(this.log, linkId);
      if (found?.link.status !== 'confirmed') return found?.link;
      await this.#tryToEnd(found.link, found.recorded);
    }
    throw new Error(`the guards of a link were still contested after ${roundsMax} rounds`);
  }

  async #work(linkId: string): Promise<void> {
    try {
      const again = await this.#step(linkId);
      if (again) this.#retryLater(linkId);
      else this.#forgetRetry(linkId);
    } catch (error) {
      this.logger.warn({ linkId, error: error instanceof Error ? error.name : typeof error }, 'a link has to wait');
      this.#retryLater(linkId);
    }
  }

  /** True when the same has to be tried again later. */
  async #step(linkId: string): Promise<boolean> {
    const found = await readLink(this.log, linkId);
    const last = found?.recorded.at(-1);
    if (!found || !last) return false;
    const { link, recorded } = found;
    if (hasEnded(link)) {
      await this.#tidyUp(link);
      return false;
    }
    if (link.status === 'confirmed' && (!link.awaitsPerson || (await this.#hasReturned(link)))) {
      const ended = await this.establish(linkId);
      if (ended) await this.#tidyUp(ended);
      return false;
    }
    const expired = decideExpiry(link, this.#now());
    const events = expired.length === 0 && link.status === 'requested' ? await this.#ask(link) : expired;
    if (events.length === 0) return link.status === 'requested';
    await this.#append(linkStream(linkId), recorded, last, events);
    return this.#step(linkId);
  }

  async #ask(link: Link): Promise<readonly LinkEvent[]> {
    const { linkId, providerId } = link.request;
    const secrets = await this.vault.secrets(linkId);
    const provider = await askProvider(this.questions, providerId);
    if (!secrets || !provider) return decideAnswer(link, { kind: 'none' }, this.#now());
    const { baseUrl } = provider;
    const isVisit = 'state' in secrets;
    const answer = isVisit
      ? await confirmVisit(this.calls, baseUrl, linkId, secrets)
      : await noSoonerThan(this.config.codeAnswerFloorMs, this.waiting, () =>
          confirmAccount(this.calls, baseUrl, linkId, secrets),
        );
    if (answer.kind === 'denied' && !isVisit) await this.attempts.wrong(linkId);
    if (answer.kind === 'confirmed') {
      await this.attempts.right(linkId);
      const referenceKey = this.vault.referenceKey(providerId, answer.account.providerAccountRef);
      await this.vault.keepAccount(link.request, referenceKey, answer.account);
      const unattended = isVisit && secrets.code === undefined;
      return decideAnswer(link, { kind: 'confirmed', referenceKey, unattended }, this.#now());
    }
    if (answer.kind === 'none' && answer.why !== notFinished)
      this.logger.warn({ linkId, providerId, why: answer.why }, 'the provider gave no answer');
    return decideAnswer(link, answer, this.#now());
  }

  /** The provider's yes was there before the person came back from its page, and they have come. */
  async #hasReturned(link: Link): Promise<boolean> {
    if (!returnConfirms(link)) return false;
    const secrets = await this.vault.secrets(link.request.linkId);
    return secrets !== undefined && 'state' in secrets && secrets.code !== undefined;
  }

  async #tryToEnd(link: Link, recorded: readonly RecordedEvent[]): Promise<void> {
    const { linkId, personId, providerId, programmeId } = link.request;
    const accountStreams = accountStreamsOf(link);
    const choiceStream = choice.providerChoiceStream(personId, programmeId);
    const { guards, streams } = await readGuards(this.log, accountStreams, [choiceStream]);
    const held = { accounts: accountStreams.map((name) => guards.account(name)), choice: guards.choice(choiceStream) };
    const decided = decideEstablish(held, {
      linkId,
      personId,
      providerId,
      programmeId,
      providersPerPerson: link.request.providersPerPerson,
    });
    const last = recorded.at(-1);
    if (!last) return;
    const at = this.#now();
    const own = decideEnd(link, decided).map((event) => answerTo(last, event, { at, actor }));
    const writes = [{ stream: linkStream(linkId), expectedRevision: expectedRevision(recorded), events: own }];
    if (decided.ok) {
      const guarded = [...accountStreams, choiceStream];
      [...decided.value.accounts, decided.value.choice].forEach((events, index) => {
        const stream = guarded[index] ?? '';
        const expected = expectedRevision(streams.get(stream) ?? []);
        const added = events.map((event) => answerTo(last, event, { at, actor, part: `:${index}` }));
        if (added.length > 0) writes.push({ stream, expectedRevision: expected, events: added });
      });
    }
    await appendOne(this.log, { writes });
  }

  async #append(
    stream: string,
    recorded: readonly RecordedEvent[],
    cause: RecordedEvent,
    events: readonly LinkEvent[],
  ) {
    const at = this.#now();
    await appendOne(this.log, {
      writes: [
        {
          stream,
          expectedRevision: expectedRevision(recorded),
          events: events.map((event) => answerTo(cause, event, { at, actor })),
        },
      ],
    });
  }

  /** At its end what the person typed is deleted, and of a refused link the provider's reference too. */
  async #tidyUp(link: Link): Promise<void> {
    if (link.status === 'refused') await this.vault.forgetAccounts(link.request.linkId);
    if (!hasEnded(link)) return;
    await this.attempts.forget(link.request.linkId);
    await this.vault.forgetSecrets(link.request.linkId);
  }

  #retryLater(linkId: string): void {
    if (this.#stopped) return;
    const last = this.#retries.get(linkId);
    clearTimeout(last?.timer);
    const delayMs = Math.min(last ? last.delayMs * 2 : retryMsMin, retryMsMax);
    this.#retries.set(linkId, { delayMs, timer: setTimeout(() => void this.advance(linkId), delayMs).unref() });
  }

  #forgetRetry(linkId: string): void {
    clearTimeout(this.#retries.get(linkId)?.timer);
    this.#retries.delete(linkId);
  }

  #scheduleSweep(afterMs: number): void {
    if (this.#stopped) return;
    this.#sweep = setTimeout(() => {
      this.sweep()
        .catch(() => this.logger.warn('open links could not be listed'))
        .finally(() => this.#scheduleSweep(this.config.sweepSeconds * 1_000));
    }, afterMs).unref();
  }

  /** Takes up every open link that nobody here works on, and deletes secrets that never got a link. */
  async sweep(): Promise<void> {
    for (const linkId of await this.vault.linksWithSecrets(0, sweepLinksMax)) {
      if (!this.#retries.has(linkId)) void this.advance(linkId);
    }
    const orphans = await this.vault.linksWithSecrets(orphanSeconds, sweepLinksMax);
    const streams = await this.log.readStreams(orphans.map(linkStream));
    for (const linkId of orphans) {
      if ((streams.get(linkStream(linkId)) ?? []).length === 0) await this.vault.forgetSecrets(linkId);
    }
    await this.attempts.forgetOld(this.clock.now());
    await this.vault.forgetAccountsOfEndedLinks();
    await this.vault.sealOlder(sealOlderMax);
    await this.#forgetSettledAccounts();
  }

  /** The accounts of ended links over which nothing is on its way any more. */
  async #forgetSettledAccounts(): Promise<void> {
    const linkIds = await this.vault.endedLinksWithAccounts(sweepLinksMax);
    for (const [linkId, { link }] of await readLinks(this.log, linkIds)) {
      const open = link.owesOutcome ? await askOpenExchanges(this.questions, linkId) : [];
      if (open.length === 0) await this.vault.forgetAccounts(linkId);
    }
  }

  #now(): string {
    return isoTime(this.clock.now());
  }
}
