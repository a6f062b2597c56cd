import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@tsunagu/kernel';
import type { Logger } from 'pino';
import type { Questions } from './questions.js';

/** Longer than any session or test token lives. */
const REMEMBERED_MS = 24 * 3_600_000;
/** How long identity may hold the question open. */
const WAIT_SECONDS = 10;
/** Pause after an unanswered question (real clock). */
const RETRY_MS = 1_000;
const FIRST_RETRY_MS = 200;
/** The least time between two questions, should they be answered at once for ever. */
const PACE_MS = 20;

/**
 * Tokens that a log-out ended before their time, learnt from identity by one held-open question. While identity cannot be
 * asked, what is known stays: a token ended meanwhile lives on for at most its 30 minutes, one of staff for the session's hours.
 */
export class EndedSessions {
  private readonly ended = new Map<string, number>();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private known = false;

  constructor(
    private readonly questions: Questions,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Whether identity has answered once. Before that, a token ended earlier would be let in: the service is not ready. */
  get isKnown(): boolean {
    return this.known;
  }

  has(tokenId: string): boolean {
    return this.ended.has(tokenId);
  }

  /** Ends a token here at once; identity's own controller calls it, the other services hear of it. */
  add(tokenId: string): void {
    this.ended.set(tokenId, this.clock.now());
  }

  start(): void {
    this.running = this.follow();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    let after = 0;
    let reachable = true;
    while (!signal.aborted) {
      try {
        const answer = await this.questions.ask<{ through: number; tokenIds: readonly string[] }>(
          'identity',
          // The first answer comes at once: the service waits for it.
          `ended-sessions?after=${after}&wait=${this.known ? WAIT_SECONDS : 0}`,
          undefined,
          { timeoutMs: (WAIT_SECONDS + 5) * 1_000, signal },
        );
        if (!reachable) this.logger.info('ended sessions are known again');
        reachable = true;
        this.known = true;
        for (const tokenId of answer?.tokenIds ?? []) this.add(tokenId);
        after = answer?.through ?? after;
        this.forgetOld();
        await pause(answer ? PACE_MS : RETRY_MS, signal);
      } catch {
        if (signal.aborted) return;
        // While everything starts, identity may come up last: readiness says so, and that is enough.
        if (reachable && this.known) this.logger.warn('ended sessions cannot be read; the known ones stay refused');
        reachable = !this.known;
        await pause(this.known ? RETRY_MS : FIRST_RETRY_MS, signal);
      }
    }
  }

  private forgetOld(): void {
    const before = this.clock.now() - REMEMBERED_MS;
    for (const [tokenId, endedAt] of this.ended) if (endedAt < before) this.ended.delete(tokenId);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
