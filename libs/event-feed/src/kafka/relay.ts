import { setTimeout as pause } from 'node:timers/promises';
import { partitionCount, typesOf } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import type { Pool, PoolClient } from 'pg';
import type { Registry } from 'prom-client';
import { batchSizeMax, type FeedLogger, keyFor, partitionOf } from '../message.js';
import { feedMetrics } from '../metrics.js';
import { errorFacts, FeedInterrupted, isOutage } from '../outage.js';
import type { KafkaPublisher } from './kafkajs.js';
import type { KafkaSettings } from './settings.js';
import { encodeEvent, encodeHeartbeat } from './wire.js';

export interface RelayParts {
  readonly log: EventLog;
  readonly topic: string;
  /** The producing service's own database: relay_positions lies in its schema. */
  readonly database: Pool;
  readonly kafka: KafkaSettings;
  readonly logger?: FeedLogger;
  readonly registry?: Registry;
  readonly heartbeatMs?: number;
}

export interface RelayStatus {
  /** `idle`: another process holds the log's lock. */
  readonly state: 'idle' | 'active' | 'stopped';
  /** Everything up to here is in Kafka; what this relay knows of it. */
  readonly position: number;
}

const heartbeatMsDefault = 5_000;
const lockPollMs = 500;
const outagePauseMs = 500;

/**
 * Publishes one log to its topic: one relay at work, any number waiting for its lock. What it sends is a function of the log
 * alone, so a second sending after a crash brings the same messages with the same previous positions.
 */
export class Relay {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private state: RelayStatus['state'] = 'stopped';
  private position = 0;
  private storedPosition = 0;
  /** The last position published in each partition. */
  private previous: number[] = [];

  constructor(private readonly parts: RelayParts) {}

  /** Rejects with WrongPartitionCount for a topic that cannot be used; while Kafka is not there it goes on trying. */
  async start(): Promise<void> {
    const { ensureTopic } = await import('./kafkajs.js');
    try {
      await ensureTopic(this.parts.kafka, this.parts.topic);
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.parts.logger?.warn({ topic: this.parts.topic, ...errorFacts(error) }, 'Kafka cannot be reached; trying on');
    }
    this.state = 'idle';
    this.running = this.run();
  }

  status(): RelayStatus {
    return { state: this.state, position: this.position };
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.state = 'stopped';
  }

  private async run(): Promise<void> {
    const { topic, logger } = this.parts;
    while (!this.stopping.signal.aborted) {
      try {
        await this.relayUnderLock();
      } catch (error) {
        if (this.stopping.signal.aborted) break;
        logger?.warn({ topic, ...errorFacts(error) }, 'relay paused');
        await this.rest(outagePauseMs);
      }
      this.state = 'idle';
    }
  }

  /** Waits for the lock, which lives as long as its connection; the checkpoint is written over the same connection. */
  private async relayUnderLock(): Promise<void> {
    const { database, topic, log, logger } = this.parts;
    const client = await database.connect();
    let publisher: KafkaPublisher | undefined;
    // Without a listener a cut connection would end the process; the next query over it fails.
    client.on('error', () => undefined);
    try {
      while (!(await tryLock(client, `tsunagu relay ${topic} ${log.log}`))) {
        if (!(await this.rest(lockPollMs))) return;
      }
      const { ensureTopic, openPublisher } = await import('./kafkajs.js');
      await ensureTopic(this.parts.kafka, topic);
      publisher = await openPublisher(this.parts.kafka);
      await this.loadCheckpoint(client);
      this.state = 'active';
      logger?.info({ topic, log: log.log, position: this.position }, 'relay at work');
      await this.relay(client, publisher);
    } finally {
      await publisher?.close().catch(() => undefined);
      // Closing the connection gives the lock free.
      client.release(true);
    }
  }

  private async relay(client: PoolClient, publisher: KafkaPublisher): Promise<void> {
    const heartbeatMs = this.parts.heartbeatMs ?? heartbeatMsDefault;
    let nextHeartbeatAt = 0;
    while (!this.stopping.signal.aborted) {
      const waitMs = nextHeartbeatAt - performance.now();
      if (waitMs <= 0) {
        await this.publishHeartbeats(publisher);
        await this.saveCheckpoint(client);
        nextHeartbeatAt = performance.now() + heartbeatMs;
      } else if (await this.parts.log.waitForAppend(this.position, waitMs, this.stopping.signal)) {
        await this.publishNext(client, publisher);
      }
    }
  }

  private async publishNext(client: PoolClient, publisher: KafkaPublisher): Promise<void> {
    const { log, topic, registry } = this.parts;
    const types = typesOf(topic);
    const slice = await log.readLog({ after: this.position, limit: batchSizeMax, types, form: 'recorded' });
    const previous = [...this.previous];
    const messages = slice.events.map((event) => {
      const partition = partitionOf(keyFor(event));
      const message = encodeEvent(event, previous[partition] ?? 0);
      previous[partition] = event.position;
      return message;
    });
    if (messages.length > 0) await publisher.publish(topic, messages);
    this.position = slice.through;
    this.previous = previous;
    // A stretch without published events is stored with the next heartbeat.
    if (messages.length > 0) await this.saveCheckpoint(client);
    feedMetrics(registry).relayed.inc({ topic, log: log.log }, messages.length);
    feedMetrics(registry).relayPosition.set({ topic, log: log.log }, this.position);
  }

  private async publishHeartbeats(publisher: KafkaPublisher): Promise<void> {
    const heartbeats = Array.from({ length: partitionCount }, (_, partition) =>
      encodeHeartbeat(this.parts.log.log, partition, this.position, this.previous[partition] ?? 0),
    );
    await publisher.publish(this.parts.topic, heartbeats);
  }

  private async loadCheckpoint(client: PoolClient): Promise<void> {
    const { topic, log } = this.parts;
    await client.query(
      `INSERT INTO relay_positions (topic, log, position, previous)
       VALUES ($1, $2, 0, array_fill(0::bigint, ARRAY[${partitionCount}])) ON CONFLICT DO NOTHING`,
      [topic, log.log],
    );
    const found = await client.query<{ position: string; previous: string[] }>(
      'SELECT position, previous FROM relay_positions WHERE topic = $1 AND log = $2',
      [topic, log.log],
    );
    this.position = Number(found.rows[0]?.position ?? 0);
    this.storedPosition = this.position;
    this.previous = (found.rows[0]?.previous ?? []).map(Number);
  }

  private async saveCheckpoint(client: PoolClient): Promise<void> {
    if (this.position === this.storedPosition) return;
    const { topic, log } = this.parts;
    const saved = await client.query(
      `UPDATE relay_positions SET position = $3, previous = $4::bigint[], updated_at = now()
        WHERE topic = $1 AND log = $2 AND position = $5`,
      [topic, log.log, this.position, this.previous, this.storedPosition],
    );
    if (saved.rowCount !== 1) throw new FeedInterrupted(`another relay has moved ${topic}`);
    this.storedPosition = this.position;
  }

  /** False when the relay is to stop. */
  private async rest(ms: number): Promise<boolean> {
    await pause(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    return !this.stopping.signal.aborted;
  }
}

async function tryLock(client: PoolClient, name: string): Promise<boolean> {
  const found = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [name],
  );
  return found.rows[0]?.locked === true;
}
