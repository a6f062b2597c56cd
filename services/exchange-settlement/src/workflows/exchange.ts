import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import {
  answerTo,
  appendOne,
  domainEvents,
  type EventLog,
  expectedRevision,
  type RecordedEvent,
} from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import type { ProviderCalls } from '@tsunagu/provider-client';
import { CLOCK, CONFIG, EVENT_LOG, LOGGER, QUESTIONS, type Questions } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { ExchangeConfig } from '../config.js';
import {
  awaitsProvider,
  type CreditAnswer,
  decideAnswer,
  decideReview,
  decideSubmission,
  type Exchange,
  type ExchangeEvent,
  exchangeStream,
  fold,
} from '../domain/exchange.js';
import { fold as foldProvider, type ProviderEvent, providerStream } from '../domain/provider.js';
import { inquire, sendCredit } from '../outbound/credits.js';
import { askLink } from '../outbound/questions.js';
import { Bell } from './bell.js';

export const PROVIDER_CALLS = Symbol('PROVIDER_CALLS');

/** API.md: the first inquiry after 2 s, then at doubling intervals up to 5 minutes, on the real clock. */
const inquiryMsMin = 2_000;
const inquiryMsMax = 300_000;
/** Lost races for one exchange's stream before it counts as an outage. */
const roundsMax = 20;

type Recorded = readonly (RecordedEvent & ExchangeEvent)[];

/**
 * Takes held points to the provider and asks until it has answered. Every step is derived from what is recorded, so the work
 * goes on after a stop at any point; the provider knows a credit by its exchangeId, so two processes on one exchange do no harm.
 */
@Injectable()
export class ExchangeWorkflow implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #running = new Map<string, Promise<void>>();
  readonly #inquiries = new Map<string, { timer: NodeJS.Timeout; delayMs: number }>();
  #stopped = true;

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ExchangeConfig,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(PROVIDER_CALLS) private readonly calls: ProviderCalls,
    private readonly bell: Bell,
  ) {}

  onApplicationBootstrap(): void {
    this.#stopped = false;
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#inquiries.values()) clearTimeout(timer);
    await Promise.all(this.#running.values());
  }

  /** Whether this process works on the exchange, or will at a set time. */
  isAtWork(exchangeId: string): boolean {
    return this.#running.has(exchangeId) || this.#inquiries.has(exchangeId);
  }

  /** Works on an exchange until the provider has answered or has to be asked again later. Never rejects. */
  advance(exchangeId: string): Promise<void> {
    const running = this.#running.get(exchangeId);
    if (running || this.#stopped) return running ?? Promise.resolve();
    const work = this.#work(exchangeId).finally(() => this.#running.delete(exchangeId));
    this.#running.set(exchangeId, work);
    return work;
  }

  async #work(exchangeId: string): Promise<void> {
    let open = true;
    try {
      open = await this.#step(exchangeId);
    } catch (error) {
      this.logger.warn({ exchangeId, error: error instanceof Error ? error.name : typeof error }, 'an exchange waits');
    }
    if (open) this.#inquireLater(exchangeId);
    else this.#forgetInquiry(exchangeId);
  }

  /** True while the provider has to be asked again. */
  async #step(exchangeId: string): Promise<boolean> {
    const { recorded, state } = await this.#read(exchangeId);
    if (state?.status === 'held') {
      const link = await askLink(this.questions, state.request.linkId);
      const events = decideSubmission(state, link?.state);
      // Held back while the link is disputed.
      if (events.length === 0) return true;
      const isFirst = await this.#record(recorded, events);
      // Another process was first: its submission is found as any other, by asking.
      if (!isFirst) return this.#step(exchangeId);
      if (events[0]?.type !== 'ExchangeSubmitted') return false;
      return this.#take(exchangeId, await this.#send(state, recorded));
    }
    if (!state || !awaitsProvider(state)) return false;
    const baseUrl = await this.#baseUrl(state);
    const answer = await inquire(this.calls, baseUrl, exchangeId);
    // Not seen proves nothing: the first one may still be on its way. The same credit goes again under the same key.
    return this.#take(exchangeId, answer.kind === 'not_seen' ? await this.#send(state, recorded) : answer);
  }

  async #send(state: Exchange, recorded: Recorded): Promise<CreditAnswer> {
    const { exchangeId, linkId, points } = state.request;
    const link = await askLink(this.questions, linkId);
    const requestedAt = recorded[0]?.effectiveAt ?? '';
    // A link that is disputed or ended gives no reference: nothing is sent, and the points stay held until an inquiry answers.
    if (!link?.providerAccountRef || state.providerPoints === undefined)
      return { kind: 'unknown', why: 'no_reference' };
    const { providerAccountRef } = link;
    const credit = { exchangeId, providerAccountRef, points, providerPoints: state.providerPoints, requestedAt };
    return sendCredit(this.calls, await this.#baseUrl(state), credit);
  }

  /** Records what an answer comes to; true while the exchange stays open. */
  async #take(exchangeId: string, answer: CreditAnswer): Promise<boolean> {
    for (let round = 0; round < roundsMax; round += 1) {
      const { recorded, state } = await this.#read(exchangeId);
      if (!state) return false;
      const now = isoTime(this.clock.now());
      const events = decideAnswer(state, answer);
      const review =
        events.length === 0 ? decideReview(state, recorded.at(-1)?.effectiveAt ?? now, now, this.#reviewMs()) : [];
      if (review.length > 0) {
        this.logger.error(
          { alarm: 'exchange_under_review', exchangeId },
          'an outcome stays unknown: two people decide',
        );
      }
      const added = [...events, ...review];
      if (added.length === 0) return awaitsProvider(state);
      if (await this.#record(recorded, added)) return answer.kind !== 'credited' && answer.kind !== 'rejected';
    }
    throw new Error(`an exchange was still contested after ${roundsMax} rounds`);
  }

  async #record(recorded: Recorded, events: readonly ExchangeEvent[]): Promise<boolean> {
    const last = recorded.at(-1);
    if (!last || events.length === 0) return false;
    const at = isoTime(this.clock.now());
    const write = {
      stream: last.stream,
      expectedRevision: expectedRevision(recorded),
      events: events.map((event) => answerTo(last, event, { at, actor: 'service:exchange-settlement' })),
    };
    const recordedNow = await appendOne(this.log, { writes: [write] });
    this.bell.ring(events[0]?.data.exchangeId ?? '');
    return recordedNow;
  }

  async #read(exchangeId: string): Promise<{ recorded: Recorded; state: Exchange | undefined }> {
    const stream = exchangeStream(exchangeId);
    const recorded = domainEvents<ExchangeEvent>((await this.log.readStreams([stream])).get(stream));
    return { recorded, state: fold(recorded) };
  }

  async #baseUrl(state: Exchange): Promise<string> {
    const stream = providerStream(state.request.providerId);
    const provider = foldProvider(domainEvents<ProviderEvent>((await this.log.readStreams([stream])).get(stream)));
    if (!provider) throw new Error(`the provider of exchange ${state.request.exchangeId} is not registered`);
    return provider.baseUrl;
  }

  #inquireLater(exchangeId: string): void {
    if (this.#stopped) return;
    const last = this.#inquiries.get(exchangeId);
    clearTimeout(last?.timer);
    const delayMs = Math.min(last ? last.delayMs * 2 : inquiryMsMin, inquiryMsMax);
    const timer = setTimeout(() => void this.advance(exchangeId), delayMs).unref();
    this.#inquiries.set(exchangeId, { delayMs, timer });
  }

  #forgetInquiry(exchangeId: string): void {
    clearTimeout(this.#inquiries.get(exchangeId)?.timer);
    this.#inquiries.delete(exchangeId);
  }

  #reviewMs(): number {
    return this.config.reviewAfterHours * 3_600_000;
  }
}
