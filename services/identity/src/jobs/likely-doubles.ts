import { randomUUID } from 'node:crypto';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { appendOne, type EventLog } from '@tsunagu/event-store';
import { type Clock, idFromScope } from '@tsunagu/kernel';
import { Rounds } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { pairScope, reviewStream } from '../domain/review.js';
import type { LikePair, ReviewIndex } from '../projections/review-index.js';
import { eventBy, serviceActor } from '../recording.js';
import type { Survivors } from '../workflows/survivors.js';

/** Pairs looked at in one round. */
const roundMax = 200;

/**
 * Finds persons who may be one although the digest does not say so: the same name and birth date with another sex read, the same
 * birth date and address under another name. It opens reviews and decides nothing; grants do not wait for them.
 */
export class LikelyDoubles implements OnModuleInit, OnModuleDestroy {
  private readonly rounds = new Rounds();
  /** Where the next round goes on; after a restart from the beginning, where every pair has its review already. */
  private after: LikePair['place'] = [0, 0];

  constructor(
    private readonly parts: {
      readonly log: EventLog;
      readonly clock: Clock;
      readonly logger: Logger;
      readonly index: ReviewIndex;
      readonly survivors: Survivors;
      readonly everyMs: number;
    },
  ) {}

  onModuleInit(): void {
    this.rounds.start(this.parts.everyMs, () => this.run());
  }

  async onModuleDestroy(): Promise<void> {
    await this.rounds.stop();
  }

  private async run(): Promise<void> {
    try {
      const pairs = await this.parts.index.alike(this.after, roundMax);
      for (const { personIds } of pairs) await this.open(personIds);
      this.after = pairs.at(-1)?.place ?? this.after;
    } catch (error) {
      this.parts.logger.warn(
        { reason: (error as Error).message },
        'likely doubles were not looked for; tried again later',
      );
    }
  }

  private async open(personIds: readonly [string, string]): Promise<void> {
    const { log, clock, survivors } = this.parts;
    const persons = await survivors.of(personIds);
    const meant = new Set(personIds.map((personId) => persons.get(personId)?.personId));
    if (meant.size === 1 || [...persons.values()].every(({ erasureId }) => erasureId !== null)) return;
    const reviewId = idFromScope(pairScope(personIds));
    const data = { reviewId, kind: 'likely_double', personIds, certificateRef: null };
    const by = { actor: serviceActor, nowMs: clock.now(), correlationId: randomUUID() };
    const events = [eventBy({ type: 'ReviewOpened', data }, by)];
    // Where there is a review of the two, whatever it came to, there is none to open.
    await appendOne(log, { writes: [{ stream: reviewStream(reviewId), expectedRevision: 'noStream', events }] });
  }
}
