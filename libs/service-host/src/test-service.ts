import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedEvents, type ServiceName, serviceNames, topics } from '@tsunagu/contracts';
import type { Feed, FeedBatch, FeedMessage, FeedSubscription } from '@tsunagu/event-feed';
import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { type Clock, isoTime, newId } from '@tsunagu/kernel';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import type { Pool } from 'pg';
import { type Logger, pino } from 'pino';
import { signAccessToken } from './access-token.js';
import type { Role } from './caller.js';
import { createService, type RunningService } from './create-service.js';
import { type KeyUse, loadOrCreateKey, publicKeys, type SigningKey } from './keyring.js';
import { migrate, migrateLog, servicePool } from './migrate.js';
import { openLogs } from './open-logs.js';
import type { ServiceDefinition } from './parts.js';
import { type Questions, QuestionUnanswered } from './questions.js';

export { Crash, crash, cutLog, withParts } from './test-crash.js';

/** For specs of one service: real PostgreSQL, real log, real HTTP, real consumers; the outside is scripted by the spec. */

const ROLE = 'tsunagu_test_service';
const ROLE_PASSWORD = 'test';
/** Between two looks at the routing table: a spec need not wait for it. */
const LOOK_EVERY_MS = 100;
const START_MS = Date.parse('2026-11-20T01:00:00.000Z');

/** Answers the questions to one service; undefined is a 404, a throw an outage. */
export type QuestionHandler = (path: string, body: unknown) => unknown;

export interface TestClock extends Clock {
  set(instant: string): void;
  forward(ms: number): void;
}

export interface TestAnswer {
  readonly status: number;
  /** Parsed JSON; the text of anything else; undefined without a body. */
  // biome-ignore lint/suspicious/noExplicitAny: specs look into answers of any shape
  readonly body: any;
  readonly headers: Headers;
}

export interface TestService {
  readonly url: string;
  readonly running: RunningService;
  /** Streams of every log; with more than one log, what is about the order of one is asked of `logs`. */
  readonly log: EventLog;
  readonly logs: readonly EventLog[];
  /** Connection strings of log 1, 2, … by the service's role. */
  readonly furtherLogs: readonly string[];
  /** The service's own role. */
  readonly pool: Pool;
  /** Superuser and owner of the schema. */
  readonly ownerUrl: string;
  readonly clock: TestClock;
  readonly keyDirectory: string;
  /** May be changed while the service runs. */
  readonly questions: Partial<Record<ServiceName, QuestionHandler>>;
  /** Log lines so far, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  token(claims: {
    role: Role;
    subject?: string;
    ownerId?: string;
    ttlSeconds?: number;
    tokenId?: string;
    providerId?: string;
  }): Promise<string>;
  /** What a log-out at identity does for this service; resolves when the service knows. */
  endSession(tokenId: string): Promise<void>;
  call(method: string, path: string, options?: CallOptions): Promise<TestAnswer>;
  /** Hands one batch to the service's consumer of that topic; rejects as the consumer does. */
  deliver(topic: string, messages: FeedBatch): Promise<void>;
  /** Published events that the service has recorded, in order. */
  published(): Promise<readonly RecordedEvent[]>;
  waitForProjections(): Promise<void>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, for bodies that are no JSON. */
  readonly rawBody?: string | Uint8Array;
}

let sequence = 0;

/** A message as a feed brings it. Positions rise by one a call unless given. */
export function message<D>(
  type: string,
  data: D,
  overrides: Partial<FeedMessage<string, D>> = {},
): FeedMessage<string, D> {
  const event = publishedEvents.find((each) => each.type === type);
  if (!event) throw new Error(`${type} is not a published event`);
  const position = overrides.position ?? ++sequence;
  const key = String((data as Record<string, unknown>)[event.key]);
  return {
    id: newId(START_MS + position),
    type,
    schemaVersion: event.version,
    effectiveAt: isoTime(START_MS),
    recordedAt: isoTime(START_MS),
    correlationId: randomUUID(),
    causationId: null,
    actor: `service:${event.producer}`,
    ownerId: 'demo',
    data,
    log: 0,
    position,
    stream: `test-${key}`,
    revision: 0,
    requestId: randomUUID(),
    topic: event.topic,
    key,
    ...overrides,
  };
}

/** A service's tables in a fresh database, without the service; the pool is the owner's. */
export async function startTestDatabase(
  definition: ServiceDefinition,
): Promise<{ readonly pool: Pool; close(): Promise<void> }> {
  const database = await migratedDatabase(definition);
  const pool = servicePool({ url: database.url, schema: definition.schema, connectionsMax: 8 });
  return {
    pool,
    async close() {
      await pool.end();
      await database.close();
    },
  };
}

/** Starts a service on a fresh database; `questions` are what it may ask, by service. */
export async function startTestService(
  definition: ServiceDefinition,
  options: {
    env?: Readonly<Record<string, string | undefined>>;
    questions?: Partial<Record<ServiceName, QuestionHandler>>;
    clockMs?: number;
    profile?: 'test' | 'production';
    /** How many logs, each in a database of its own. */
    logs?: number;
    /** Where the service's role finds its own database, given where that lies: a proxy's address. */
    through?: (url: string) => string;
    /** Over how many of them the ledger began; the others were made later. All where absent. */
    begunLogs?: number;
  } = {},
): Promise<TestService> {
  const database = await migratedDatabase(definition);
  const further = await Promise.all(Array.from({ length: (options.logs ?? 1) - 1 }, testDatabase));
  for (const { url } of further) await migrateLog({ ownerUrl: url, definition, serviceRole: ROLE });
  const furtherLogs = further.map(({ url }) => serviceUrl(url));
  const { through = (url) => url } = options;
  const pool = servicePool({ url: through(serviceUrl(database.url)), schema: definition.schema, connectionsMax: 12 });
  const clock = testClock(options.clockMs ?? START_MS);
  const opening = { definition, database: pool, clock, lookEveryMs: LOOK_EVERY_MS };
  if (options.begunLogs !== undefined) {
    const begun = furtherLogs.slice(0, options.begunLogs - 1);
    await (await openLogs({ ...opening, furtherLogs: begun })).close();
  }
  const { close: closeLogs, ...store } = await openLogs({ ...opening, furtherLogs });
  const { logs } = store;
  const keyDirectory = await mkdtemp(join(tmpdir(), 'tsunagu-keys-'));
  const keys = await testKeys(keyDirectory);
  const { logger, lines } = collectingLogger();
  const feed = new HandFeed();
  const questions = new ScriptedQuestions(options.questions ?? {});
  const dismantle = async () => {
    questions.close();
    await closeLogs();
    await pool.end();
    await Promise.all([database, ...further].map((each) => each.close()));
    await rm(keyDirectory, { recursive: true, force: true });
  };
  const running = await createService(
    definition,
    {
      profile: options.profile ?? 'test',
      clock,
      database: pool,
      ...store,
      feed,
      questions,
      keyDirectory,
      jwksUrl: `data:application/json,${encodeURIComponent(JSON.stringify({ keys: await publicKeys(keyDirectory) }))}`,
      logger,
    },
    { env: { ...(options.profile === 'production' ? { TSUNAGU_LOG_ORIGIN: 'spec.example' } : {}), ...options.env } },
  ).catch(async (error: unknown) => {
    await dismantle();
    throw error;
  });
  const url = await running.listen(0, '127.0.0.1');

  return {
    url,
    running,
    log: store.log,
    logs,
    furtherLogs,
    pool,
    ownerUrl: database.url,
    clock,
    keyDirectory,
    questions: questions.handlers,
    logLines: lines,
    async token({ role, subject = role, ttlSeconds = 3_600, ownerId, tokenId, providerId }) {
      const key = await keys(role, subject);
      const more = { ...(ownerId === undefined ? {} : { ownerId }), ...(tokenId === undefined ? {} : { tokenId }) };
      return signAccessToken(key, { subject, role, ttlSeconds, providerId, ...more }, clock);
    },
    endSession: (tokenId) => questions.endSession(tokenId),
    call: (method, path, callOptions) => call(url, method, path, callOptions),
    deliver: (topic, messages) => feed.deliver(topic, messages),
    async published() {
      const types = publishedEvents.filter((event) => event.producer === definition.name).map((event) => event.type);
      const slices = await Promise.all(logs.map((log) => log.readLog({ after: 0, limit: 1_000_000, types })));
      return slices.flatMap(({ events }) => events);
    },
    async waitForProjections() {
      if (!(await running.waitForProjections(10_000)))
        throw new Error('a projection did not reach the head of the log');
    },
    async close() {
      await running.close();
      await dismantle();
    },
  };
}

function serviceUrl(ownerUrl: string): string {
  const url = new URL(ownerUrl);
  url.username = ROLE;
  url.password = ROLE_PASSWORD;
  return url.href;
}

async function call(url: string, method: string, path: string, options: CallOptions = {}): Promise<TestAnswer> {
  const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: body as string }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : isJson ? JSON.parse(text) : text,
  };
}

function testClock(startMs: number): TestClock {
  let offsetMs = startMs - Date.now();
  return {
    now: () => Date.now() + offsetMs,
    set: (instant) => {
      offsetMs = Date.parse(instant) - Date.now();
    },
    forward: (ms) => {
      offsetMs += ms;
    },
  };
}

/** Roles belong to the whole server, which several specs share. */
async function migratedDatabase(definition: ServiceDefinition): Promise<TestDatabase> {
  const database = await testDatabase();
  await ensureRole(database.pool);
  await migrate({ ownerUrl: database.url, definition, serviceRole: ROLE });
  return database;
}

async function ensureRole(pool: Pool): Promise<void> {
  await pool.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${ROLE_PASSWORD}'`).catch((error: { code?: string }) => {
    // Made by another spec: before (42710) or at this moment (23505).
    if (error.code !== '42710' && error.code !== '23505') throw error;
  });
}

/** One RSA key under the kid of every caller: making seven takes a second. The key set is fixed when the service starts. */
async function testKeys(directory: string): Promise<(role: Role, subject: string) => Promise<SigningKey>> {
  const { privateKey } = await loadOrCreateKey(directory, 'citizen', 'RS256');
  const jwk = privateKey.export({ format: 'jwk' });
  const uses: KeyUse[] = ['staff', ...serviceNames.map((name): KeyUse => `service-${name}`)];
  for (const use of uses) {
    const kid = `${use}-1`;
    await writeFile(join(directory, `${kid}.private.json`), JSON.stringify({ ...jwk, kid }), { mode: 0o600 });
    await loadOrCreateKey(directory, use, 'RS256');
  }
  return (role, subject) => {
    const use = role === 'service' ? (`service-${subject}` as const) : role === 'citizen' ? 'citizen' : 'staff';
    return loadOrCreateKey(directory, use, 'RS256');
  };
}

function collectingLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}

class HandFeed implements Feed {
  private readonly handlers = new Map<string, (batch: FeedBatch) => Promise<void>>();

  async subscribe(subscription: {
    topic: string;
    group: string;
    handle(batch: FeedBatch): Promise<void>;
  }): Promise<FeedSubscription> {
    this.handlers.set(subscription.topic, subscription.handle);
    return { positions: async () => new Map(), close: async () => void this.handlers.delete(subscription.topic) };
  }

  async deliver(topic: string, messages: FeedBatch): Promise<void> {
    const handle = this.handlers.get(topic);
    if (!handle)
      throw new Error(`the service does not consume ${topic}; topics are ${Object.values(topics).join(', ')}`);
    await handle(messages);
  }

  async close(): Promise<void> {}
}

class ScriptedQuestions implements Questions {
  private readonly ended: string[] = [];
  private wake: (() => void) | undefined;
  private heard: (() => void) | undefined;

  constructor(readonly handlers: Partial<Record<ServiceName, QuestionHandler>>) {}

  async ask<T>(
    service: ServiceName,
    path: string,
    body?: unknown,
    options: { signal?: AbortSignal } = {},
  ): Promise<T | undefined> {
    if (service === 'identity' && path.startsWith('ended-sessions?'))
      return (await this.endedSessions(path, options.signal)) as T;
    const handler = this.handlers[service];
    if (!handler) throw new QuestionUnanswered(service, `the spec scripts no answer of ${service}`);
    try {
      const answer: unknown = await handler(path, body);
      // As over HTTP: the asker gets a copy.
      return answer === undefined ? undefined : (JSON.parse(JSON.stringify(answer)) as T);
    } catch (error) {
      throw new QuestionUnanswered(service, `${service} did not answer a question`, { cause: error });
    }
  }

  /** Resolves when the service asks again, so it has heard. */
  endSession(tokenId: string): Promise<void> {
    this.ended.push(tokenId);
    const heard = new Promise<void>((resolve) => {
      this.heard = resolve;
    });
    this.wake?.();
    return heard;
  }

  close(): void {
    this.wake?.();
  }

  private async endedSessions(path: string, signal?: AbortSignal): Promise<{ through: number; tokenIds: string[] }> {
    const query = new URLSearchParams(path.split('?')[1]);
    const after = Number(query.get('after'));
    if (after >= this.ended.length && query.get('wait') !== '0') {
      if (after > 0) this.heard?.();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return { through: this.ended.length, tokenIds: this.ended.slice(after) };
  }
}
