import { setTimeout as pause } from 'node:timers/promises';
import { partitionCount } from '@tsunagu/contracts';
import kafkajs, { type Admin, type Consumer, type Kafka as KafkaJs, type Producer } from 'kafkajs';
import { type KafkaSettings, WrongPartitionCount } from './settings.js';
import type { IncomingMessage, WireMessage } from './wire.js';

/** kafkajs is imported in this file only: a compatible client can take its place here. */

export interface KafkaPublisher {
  /** Resolves when all in-sync replicas have all messages; they keep their order. */
  publish(topic: string, messages: readonly WireMessage[]): Promise<void>;
  close(): Promise<void>;
}

export interface PartitionIntake {
  /** The partitions of this member after a rebalance. */
  assigned(partitions: readonly number[]): void;
  /** Returns false to be given nothing more of the partition until `resume`. */
  received(messages: readonly IncomingMessage[], partition: number): boolean;
  /** A fetch came back, with or without messages: the consumer is alive. */
  fetched(): void;
  /** The consumer has stopped and will not come back by itself. */
  crashed(error: Error): void;
}

export interface KafkaConsumerHandle {
  resume(partition: number): void;
  /** Next offset of each partition: a hint where a later consumer starts. */
  commit(offsets: ReadonlyMap<number, string>): Promise<void>;
  close(): Promise<void>;
}

const connectTimeoutMs = 3_000;
const requestTimeoutMs = 10_000;
/** Few: the relay tries on itself, and its stop must not wait for a broker that is away. */
const briefRetry = { initialRetryTime: 100, maxRetryTime: 500, retries: 3 };
/** More: a member that gives up while it joins is waited for by its group until its session ends. */
const consumerRetry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 10 };
const topicTriesMax = 40;
const topicPauseMs = 250;
const sessionTimeoutMs = 10_000;
/** Bounds how long a stop waits for the fetch under way. */
const fetchWaitMs = 1_000;

function client(settings: KafkaSettings): KafkaJs {
  const { Kafka, logLevel } = kafkajs;
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // kafkajs logs would be plain text among JSON lines; what matters arrives as errors and events.
    logLevel: logLevel.NOTHING,
    retry: briefRetry,
    ...(settings.ssl ? { ssl: true } : {}),
    ...(settings.sasl ? { sasl: { mechanism: 'scram-sha-512' as const, ...settings.sasl } } : {}),
  });
}

/** Creates the topic where it is missing and checks its partition count. Throws WrongPartitionCount, or an outage. */
export async function ensureTopic(
  settings: KafkaSettings,
  topicName: string,
  partitions: number = partitionCount,
): Promise<void> {
  const topic = prefixed(settings, topicName);
  const admin = client(settings).admin();
  try {
    await admin.connect();
    const existing = await admin.listTopics();
    if (!existing.includes(topic)) {
      // replicationFactor −1: the broker's default.
      await admin.createTopics({
        topics: [{ topic, numPartitions: partitions, replicationFactor: -1 }],
        waitForLeaders: false,
      });
    }
    const actual = await partitionsOf(admin, topic);
    if (actual !== partitions) throw new WrongPartitionCount(topic, actual, partitions);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** The partition count of a topic. One just made is known to the brokers, with all its leaders, only a moment later. */
async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics[0]?.partitions ?? [];
      const led = partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
      if (led || tries >= topicTriesMax) return partitions.length;
    } catch (error) {
      if (tries >= topicTriesMax) throw error;
    }
    await pause(topicPauseMs);
  }
}

export async function openPublisher(settings: KafkaSettings): Promise<KafkaPublisher> {
  const producer: Producer = client(settings).producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1 });
  await producer.connect();
  return {
    publish: async (topic, messages) => {
      const wire = messages.map(({ key, value, partition, headers }) => ({
        key,
        value,
        partition,
        headers: { ...headers },
      }));
      await producer.send({ topic: prefixed(settings, topic), acks: -1, messages: wire });
    },
    close: () => producer.disconnect(),
  };
}

/** A member of a consumer group of one topic. Offsets are committed only by `commit`. */
export async function openConsumer(
  settings: KafkaSettings,
  topicName: string,
  group: string,
  intake: PartitionIntake,
): Promise<KafkaConsumerHandle> {
  const topic = prefixed(settings, topicName);
  const consumer: Consumer = client(settings).consumer({
    // One group a topic: kafkajs assigns the leader's topics to every member of a group, whatever they subscribed to.
    groupId: `${group}.${topic}`,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: sessionTimeoutMs / 5,
    maxWaitTimeInMs: fetchWaitMs,
    metadataMaxAge: 60_000,
    retry: { ...consumerRetry, restartOnFailure: async () => false },
  });
  const resumes = new Map<number, () => void>();
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => intake.assigned(payload.memberAssignment[topic] ?? []));
  consumer.on(consumer.events.FETCH, () => intake.fetched());
  consumer.on(consumer.events.CRASH, ({ payload }) => intake.crashed(payload.error));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch, pause: pausePartition, resolveOffset }) => {
      const { partition } = batch;
      const messages = batch.messages.map((m) => ({ partition, offset: m.offset, value: m.value, headers: m.headers }));
      const wantsMore = intake.received(messages, partition);
      const last = messages.at(-1);
      if (last) resolveOffset(last.offset);
      if (!wantsMore) resumes.set(partition, pausePartition());
    },
  });
  return {
    resume: (partition) => {
      resumes.get(partition)?.();
      resumes.delete(partition);
    },
    commit: (offsets) =>
      consumer.commitOffsets([...offsets].map(([partition, offset]) => ({ topic, partition, offset }))),
    close: () => consumer.disconnect(),
  };
}

function prefixed(settings: KafkaSettings, topic: string): string {
  return `${settings.prefix ?? ''}${topic}`;
}
