import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { typesOf } from '@tsunagu/contracts';
import { Registry } from 'prom-client';
import { KafkaFeed, type KafkaFeedParts } from '../kafka/kafka-feed.js';
import { Relay } from '../kafka/relay.js';
import type { KafkaSettings } from '../kafka/settings.js';
import type { CatchUp } from '../message.js';
import { type OpenDatabase, openBench } from './bench.js';
import { topic } from './claims.js';
import { type FeedBench, suiteTuning } from './feed-suite.js';

interface RunningBroker {
  readonly broker: string;
  readonly pid: number;
  stop(): Promise<void>;
}
interface KafkaLocal {
  kafkaHindrance(): Promise<string | undefined>;
  startKafka(options: { directory: string; port?: number }): Promise<RunningBroker>;
}

const kafkaLocal = (await import('../../../../infra/kafka-local/kafka-local.mjs' as string)) as KafkaLocal;

/**
 * Why the Kafka suites cannot run on this machine, or undefined. Where they are required (CI, TSUNAGU_REQUIRE_KAFKA) they run
 * and fail instead of being left out.
 */
export async function kafkaLeftOut(): Promise<string | undefined> {
  const required = Boolean(process.env.CI || process.env.TSUNAGU_REQUIRE_KAFKA);
  return required ? undefined : kafkaLocal.kafkaHindrance();
}

/** One broker for a spec file; stopped and started again it keeps its data and its port. */
export class SuiteBroker {
  private running: RunningBroker | undefined;
  private directory: string | undefined;
  private benches = 0;

  async start(): Promise<void> {
    this.directory ??= await mkdtemp(join(tmpdir(), 'tsunagu-kafka-'));
    const port = this.address === undefined ? {} : { port: Number(this.address.split(':')[1]) };
    this.running = await kafkaLocal.startKafka({ directory: this.directory, ...port });
    this.address = this.running.broker;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    if (this.directory) await rm(this.directory, { recursive: true, force: true });
  }

  /** Topics of its own for each bench. */
  settings(): KafkaSettings {
    this.benches += 1;
    return { brokers: [this.address ?? ''], clientId: 'feed-suite', prefix: `bench-${this.benches}.` };
  }

  private address: string | undefined;
}

export interface KafkaBench extends FeedBench {
  readonly kafka: KafkaSettings;
  readonly registry: Registry;
  readonly catchUp: CatchUp;
  /** The first relay, started. */
  readonly relay: Relay;
  /** A further one, closed with the bench. */
  newRelay(): Relay;
  openFeed(parts?: Partial<KafkaFeedParts>): KafkaFeed;
}

export async function openKafkaBench(broker: SuiteBroker, testDatabase: OpenDatabase): Promise<KafkaBench> {
  const bench = await openBench(testDatabase);
  const kafka = broker.settings();
  const registry = new Registry();
  const catchUp: CatchUp = (name, after, limit) => bench.log.readLog({ after, limit, types: typesOf(name) });
  const relays: Relay[] = [];
  const newRelay = () => {
    const relay = new Relay({ log: bench.log, topic, database: bench.database, kafka, heartbeatMs: 200 });
    relays.push(relay);
    return relay;
  };
  const opened: KafkaBench = {
    ...bench,
    kafka,
    registry,
    catchUp,
    newRelay,
    relay: newRelay(),
    openFeed: (parts) =>
      new KafkaFeed({ kafka, positions: bench.database, catchUp, registry, tuning: suiteTuning, ...parts }),
    close: async () => {
      await Promise.all(relays.map((relay) => relay.close()));
      await bench.close();
    },
  };
  await opened.relay.start();
  return opened;
}
