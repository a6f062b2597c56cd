import { publishedEvents, typesOf } from '@tsunagu/contracts';
import {
  type Feed,
  type FeedSubscription,
  KafkaFeed,
  type KafkaFeedParts,
  type KafkaSettings,
  type LogFeedParts,
  Relay,
} from '@tsunagu/event-feed';
import type { OpenFeed } from '../src/start-embedded.js';

const DROPPED_SHARE = 0.2;
const DOUBLED_SHARE = 0.2;
/** What was dropped last is missed at the next heartbeat that comes through. */
const HEARTBEAT_MS = 250;

type Between = NonNullable<KafkaFeedParts['tamper']>;
type Incoming = Parameters<Between>[0][number];

/** What happened to the messages of each event type, over all consumers. */
export interface Damage {
  passed: number;
  dropped: number;
  doubled: number;
}

/**
 * Drops, doubles and shuffles what Kafka brings: a fifth is lost, a fifth comes again with the next batch of its partition, and each
 * batch is out of order. What happens is decided by the seed and by the order of arrival, which is not the same in every run.
 */
export class Tampering {
  readonly damage = new Map<string, Damage>();
  /** Messages that stood before one that was published earlier. */
  overtaken = 0;
  private state: number;

  constructor(readonly seed: number) {
    this.state = (seed % 2_147_483_646) + 1;
  }

  /** For one consumer of one topic. */
  between(): Between {
    const late = new Map<number, Incoming[]>();
    return (messages) => {
      const partition = messages[0]?.partition ?? 0;
      const kept = late.get(partition) ?? [];
      const again: Incoming[] = [];
      for (const message of messages) {
        const damage = this.damageOf(typeOf(message));
        const chance = this.chance();
        if (chance < DROPPED_SHARE) damage.dropped += 1;
        else {
          damage.passed += 1;
          kept.push(message);
          if (chance >= DROPPED_SHARE + DOUBLED_SHARE) continue;
          damage.doubled += 1;
          again.push(message);
        }
      }
      late.set(partition, again);
      return this.shuffled(kept);
    };
  }

  private shuffled(messages: readonly Incoming[]): Incoming[] {
    const mixed = messages
      .map((message) => ({ message, at: this.chance() }))
      .sort((a, b) => a.at - b.at)
      .map(({ message }) => message);
    this.overtaken += mixed.filter(({ offset }, i) => BigInt(mixed[i + 1]?.offset ?? offset) < BigInt(offset)).length;
    return mixed;
  }

  private damageOf(type: string): Damage {
    const known = this.damage.get(type) ?? { passed: 0, dropped: 0, doubled: 0 };
    this.damage.set(type, known);
    return known;
  }

  /** Lehmer's generator, from 0 to 1. */
  private chance(): number {
    this.state = (this.state * 48_271) % 2_147_483_647;
    return this.state / 2_147_483_647;
  }
}

/** Feeds over Kafka for services in one process, each topic tampered with by itself; and the relays that fill Kafka. */
export class TamperedKafka {
  private readonly relays: Relay[] = [];

  constructor(
    private readonly kafka: KafkaSettings,
    private readonly tampering: Tampering,
  ) {}

  readonly openFeed: OpenFeed = (name, parts) => {
    const topic = publishedEvents.find(({ producer }) => producer === name)?.topic ?? '';
    for (const log of parts.sources.get(topic) ?? []) {
      const { positions: database, logger, registry } = parts;
      this.relays.push(
        new Relay({
          log,
          topic,
          database,
          kafka: this.kafka,
          heartbeatMs: HEARTBEAT_MS,
          ...(logger && { logger }),
          ...(registry && { registry }),
        }),
      );
    }
    return new TamperedFeed(this.kafka, parts, this.tampering);
  };

  async startRelays(): Promise<void> {
    for (const relay of this.relays) await relay.start();
  }

  async closeRelays(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.close()));
  }
}

class TamperedFeed implements Feed {
  private readonly feeds: KafkaFeed[] = [];

  constructor(
    private readonly kafka: KafkaSettings,
    private readonly parts: LogFeedParts,
    private readonly tampering: Tampering,
  ) {}

  subscribe(subscription: Parameters<Feed['subscribe']>[0]): Promise<FeedSubscription> {
    const { sources, ...parts } = this.parts;
    const feed = new KafkaFeed({
      ...parts,
      kafka: this.kafka,
      tamper: this.tampering.between(),
      catchUp: async (topic, after, limit, log) => {
        const source = sources.get(topic)?.[log];
        if (!source) throw new Error(`no log is known for ${topic}`);
        return source.readLog({ after, limit, types: typesOf(topic), form: 'recorded' });
      },
    });
    this.feeds.push(feed);
    return feed.subscribe(subscription);
  }

  async close(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.close()));
  }
}

function typeOf({ value }: Incoming): string {
  const { type = 'heartbeat' } = JSON.parse(value?.toString('utf8') ?? '{}') as { type?: string };
  return type;
}
