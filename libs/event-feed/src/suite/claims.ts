import { publishedEvent, topics } from '@tsunagu/contracts';
import type { AppendRequest, EventLog, NewEvent } from '@tsunagu/event-store';
import { idFromScope, newId } from '@tsunagu/kernel';
import type { FeedBatch, FeedMessage } from '../contract.js';

export const topic = topics.claim;
export const group = 'point-ledger';

/** For one test: a loaded machine and a broker that rebalances take their time. */
export const suiteLimitMs = 60_000;

/** The nth person of a suite: the key of its claims. */
export function person(n: number): string {
  return idFromScope(`feed-suite person ${n}`);
}

/** Appends one ClaimAccepted for each person named, in order, with an internal event between them that nobody may see. */
export async function appendClaims(
  log: EventLog,
  persons: readonly string[],
  data: object = {},
  schemaVersion = 1,
): Promise<void> {
  const requests: AppendRequest[] = persons.flatMap((personId) => [
    request(event('CampaignOpened', { internal: true })),
    request(event('ClaimAccepted', { ...claimExample(), personId, ...data }, schemaVersion)),
  ]);
  for (let i = 0; i < requests.length; i += 500) {
    const outcomes = await log.append(requests.slice(i, i + 500));
    if (outcomes.some((o) => o.outcome !== 'appended')) throw new Error('a claim of the suite was not appended');
  }
}

function claimExample(): object {
  return publishedEvent('ClaimAccepted')?.example ?? {};
}

function event(type: string, data: object, schemaVersion = 1): NewEvent {
  const id = newId(Date.now());
  return {
    id,
    type,
    schemaVersion,
    effectiveAt: '2026-11-20T01:00:00.000Z',
    correlationId: id,
    causationId: null,
    actor: 'service:feed-suite',
    ownerId: 'demo',
    data,
  };
}

function request(newEvent: NewEvent): AppendRequest {
  return {
    writes: [{ stream: `entitlement-${newEvent.id}`, expectedRevision: 'noStream', events: [newEvent] }],
  };
}

/** A consumer that remembers what it has worked off and fails as it is told to. */
export class RecordingConsumer {
  readonly done: FeedMessage[] = [];
  readonly batchSizes: number[] = [];
  calls = 0;
  /** Called before a batch is worked off; what it throws fails the batch. */
  before: (batch: FeedBatch) => void | Promise<void> = () => undefined;

  readonly handle = async (batch: FeedBatch): Promise<void> => {
    this.calls += 1;
    this.batchSizes.push(batch.length);
    await this.before(batch);
    this.done.push(...batch);
  };

  /** Positions in the order of their first working off, by key. */
  positionsByKey(): ReadonlyMap<string, number[]> {
    const positions = new Map<string, number[]>();
    for (const message of this.done) {
      const known = positions.get(message.key) ?? [];
      if (!known.includes(message.position)) known.push(message.position);
      positions.set(message.key, known);
    }
    return positions;
  }

  distinct(): number {
    return new Set(this.done.map((message) => message.position)).size;
  }

  positionsOf(key: string): readonly number[] {
    return this.positionsByKey().get(key) ?? [];
  }
}

/** Resolves once a condition holds; rejects with what is the case when it does not within the limit. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  describe: () => string = () => 'the condition',
  limitMs = suiteLimitMs,
): Promise<void> {
  const endsAt = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error(`did not come true in ${limitMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isSorted(numbers: readonly number[]): boolean {
  return numbers.every((n, i) => i === 0 || (numbers[i - 1] ?? 0) < n);
}
