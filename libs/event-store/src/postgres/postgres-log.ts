import { createHash } from 'node:crypto';
import type { Clock, EventVersions } from '@tsunagu/kernel';
import { Pool, type PoolConfig, type QueryArrayConfig } from 'pg';
import type {
  AppendOutcome,
  AppendRequest,
  EventLog,
  LastEvent,
  LogQuery,
  LogSlice,
  RecordedEvent,
} from '../contract.js';
import type { Evaluated } from '../evaluate.js';
import { HeadWatch } from '../head-watch.js';
import { type CheckedRequest, checkRequest } from '../requests.js';
import { AppendQueue } from './append-queue.js';
import { AppendTrouble } from './append-trouble.js';
import { Committer } from './committer.js';
import { unavailable } from './failure.js';
import { KnownRevisions } from './known-revisions.js';
import { LogTail } from './log-tail.js';
import { Notices } from './notices.js';
import { type RecordedRow, type RecordedRows, readRows } from './recorded-rows.js';
import { asText, type EventRow, eventColumns, isEventRow, type NoEventRow, toEvent } from './rows.js';

const STATEMENT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 15_000;
const POLL_INTERVAL_MS = 250;
const READ_LIMIT_MAX = 10_000;
/** A filtered read looks at so many positions at least, so that rare types are found without many round trips. */
const FILTER_WINDOW = 10_000;

// The left join gives one row without an event where nothing matches: `through` is known all the same.
// Materialized, because `request_end` would else be worked out for every row again.
const READ_LOG = `with bound as materialized (select request_end($1::bigint + $2::bigint) as through)
select ${eventColumns}, b.through
  from bound b
  left join lateral (
    select * from events
     where position > $1 and position <= b.through and ($3::text[] is null or type = any ($3))
     order by position limit $4) e on true
 order by e.position`;
const READ_STREAM_OF_LOG = `with bound as materialized (select position as through from log_head)
select ${eventColumns}, b.through
  from bound b
  left join lateral (
    select * from events
     where stream = $1 and position > $2 and ($3::text[] is null or type = any ($3))
     order by revision limit $4) e on true
 order by e.revision`;
const READ_REST_OF_REQUEST = `with bound as materialized (select request_end($1) as through)
select ${eventColumns}, b.through
  from bound b
  left join lateral (
    select * from events
     where position > $1 and position <= b.through
       and ($2::text[] is null or type = any ($2)) and ($3::text is null or stream = $3)) e on true
 order by e.position`;
const READ_STREAMS = `select ${eventColumns}, 0 from events_of_streams($1) e order by e.stream, e.revision`;
const READ_TAILS = `select ${eventColumns}, 0 from events_after_revisions($1, $2) e order by e.stream, e.revision`;
const OUTDATED_EVENTS = 'select outdated_events($1, $2, $3)';

export interface OpenLog {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log?: number;
  /** Of the events that this log may hold. */
  readonly versions?: EventVersions | undefined;
}

interface Opened {
  readonly pool: Pool;
  readonly appendPool: Pool;
  readonly clock: Clock;
  readonly log: number;
  readonly versions: EventVersions | undefined;
  readonly channel: string;
  readonly config: PoolConfig;
}

/** The event store in PostgreSQL, in the schema that the pool's search path names. Tables come from `eventStoreMigrations`. */
export class PostgresEventLog implements EventLog, RecordedRows {
  readonly capabilities = { gapFree: true, idsForEver: true, atomicStreams: true };
  readonly log: number;
  private readonly known = new KnownRevisions();
  private readonly prepared = new WeakMap<AppendRequest, CheckedRequest>();
  private readonly watch = new HeadWatch();
  private readonly tail = new LogTail((query) => this.readRecorded(query));
  private readonly troubles = new AppendTrouble();
  private readonly notices: Notices;
  private readonly queue: AppendQueue;
  private pollTimer: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;

  private constructor(private readonly opened: Opened) {
    this.log = opened.log;
    this.notices = new Notices(opened.config, opened.channel, (position) => this.watch.observe(position));
    const committer = new Committer(opened.appendPool, opened.clock, this.known);
    this.queue = new AppendQueue(async (requests) => {
      const evaluated = await committer.commit(requests);
      this.troubles.note(evaluated);
      this.announce(lastPosition(evaluated));
      return evaluated;
    });
  }

  /**
   * Opens the log. Reads go over the given pool; appends over two connections of the log's own, made as the pool makes
   * its own, with time limits; notifications over one more. Without `versions` events are read and written in whatever
   * version they have. Throws StoreError `store.unavailable`.
   */
  static async open({ pool, clock, log = 0, versions }: OpenLog): Promise<PostgresEventLog> {
    try {
      const where = `select current_database() as database, current_schema() as schema, current_setting('search_path') as path`;
      const { rows } = await pool.query<{ database: string; schema: string; path: string }>(where);
      const place = rows[0];
      if (!place) throw new Error('no answer');
      const config = { ...pool.options, password: pool.options.password, keepAlive: true };
      const options = [config.options, `-c search_path=${place.path.replace(/[\\ ]/g, '\\$&')}`];
      config.options = options.filter(Boolean).join(' ');
      const appendPool = new Pool({
        ...config,
        min: 0,
        max: AppendQueue.connections,
        connectionTimeoutMillis: STATEMENT_TIMEOUT_MS,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        query_timeout: ANSWER_TIMEOUT_MS,
      });
      appendPool.on('error', () => {});
      // A connection that breaks while it is used says so twice: in the statement's rejection and here.
      appendPool.on('connect', (client) => client.on('error', () => {}));
      const hash = createHash('sha256').update(`${place.database}\0${place.schema}`).digest('hex');
      await checkPlace(appendPool, place.schema);
      return new PostgresEventLog({
        pool,
        appendPool,
        clock,
        log,
        versions,
        config,
        channel: `log_${hash.slice(0, 32)}`,
      });
    } catch (error) {
      throw unavailable(error);
    }
  }

  logOf(): number {
    return this.log;
  }

  async append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    return this.queue.append(requests.map((request) => this.prepared.get(request) ?? this.check(request)));
  }

  prepare(requests: readonly AppendRequest[]): void {
    for (const request of requests) {
      try {
        this.prepared.set(request, this.check(request));
      } catch {
        // Said when it is appended.
      }
    }
  }

  private check(request: AppendRequest): CheckedRequest {
    return checkRequest(request, this.opened.versions);
  }

  async readStreams(
    streams: readonly string[],
    after?: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
    const found = new Map<string, RecordedEvent[]>(streams.map((stream) => [stream, []]));
    // A name with a line break or U+0000 cannot be recorded and would confuse the joined text.
    const names = [...found.keys()].filter((stream) => !/[\n\0]/.test(stream));
    if (names.length === 0) return found;
    const values = [names.join('\n')];
    const { events } = await (after?.size
      ? this.read({ name: 'read_tails', text: READ_TAILS, values: [...values, revisionsAfter(names, after)] })
      : this.read({ name: 'read_streams', text: READ_STREAMS, values }));
    for (const event of this.newest(events)) found.get(event.stream)?.push(event);
    for (const [stream, recorded] of found) this.known.note(stream, recorded.at(-1)?.revision ?? -1);
    return found;
  }

  async outdated(lastEvents: readonly LastEvent[]): Promise<ReadonlySet<string>> {
    if (lastEvents.length === 0) return new Set();
    const lines = (member: keyof LastEvent) => lastEvents.map((last) => last[member]).join('\n');
    try {
      const { rows } = await this.opened.pool.query<[string]>({
        name: 'outdated_events',
        text: OUTDATED_EVENTS,
        values: [lines('stream'), lines('revision'), lines('id')],
        rowMode: 'array',
      });
      return new Set(rows.map(([id]) => id));
    } catch (error) {
      throw unavailable(error);
    }
  }

  async readLog(query: LogQuery): Promise<LogSlice> {
    const { after, limit, types, stream, follows } = query;
    const shared = follows && stream === undefined ? await this.tail.read(after, limit, types) : undefined;
    const slice = shared ?? (await this.readRecorded(query));
    return query.form === 'recorded' ? slice : { ...slice, events: this.newest(slice.events) };
  }

  private async readRecorded(query: LogQuery): Promise<LogSlice> {
    const { after, stream } = query;
    const limit = Math.min(Math.max(1, query.limit), READ_LIMIT_MAX);
    const types = query.types ? [...query.types] : null;
    const window = types === null ? limit : Math.max(limit, FILTER_WINDOW);
    const slice = await this.read(
      stream === undefined
        ? { name: 'read_log', text: READ_LOG, values: [after, window, types, types === null ? null : limit] }
        : { name: 'read_stream_of_log', text: READ_STREAM_OF_LOG, values: [stream, after, types, limit] },
    );
    const last = slice.events.at(-1);
    const cut = last !== undefined && slice.events.length >= limit && last.position < slice.through;
    if (!cut) return { events: slice.events, through: Math.max(after, slice.through) };
    const values = [last.position, types, stream ?? null];
    const rest = await this.read({ name: 'read_rest_of_request', text: READ_REST_OF_REQUEST, values });
    return { events: [...slice.events, ...rest.events], through: rest.through };
  }

  /** As RecordedRows says. Rejects with StoreError `store.unavailable`. */
  async readRows(query: { after: number; limit: number }): Promise<readonly RecordedRow[]> {
    try {
      return await readRows(this.opened.pool, query);
    } catch (error) {
      throw unavailable(error);
    }
  }

  async head(): Promise<number> {
    try {
      const { rows } = await this.opened.pool.query<{ position: string }>('select position from log_head');
      const position = Number(rows[0]?.position);
      this.watch.observe(position);
      return position;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Why appends fail now, in words for `health/ready`; undefined where the last one went well or lies back. */
  trouble(): string | undefined {
    return this.troubles.now();
  }

  async waitForAppend(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const reached = this.watch.wait(after, timeoutMs, signal);
    if (this.watch.waiting > 0) this.startPolling();
    return reached;
  }

  /** Answers what was accepted, ends every wait and closes the log's own connections. The pool is the caller's. */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    await this.queue.close();
    this.watch.close();
    clearTimeout(this.pollTimer);
    await Promise.all([this.notices.close(), this.opened.appendPool.end()]);
  }

  private async read(query: Omit<QueryArrayConfig, 'rowMode'>): Promise<LogSlice> {
    try {
      const { rows } = await this.opened.pool.query<EventRow | NoEventRow>({
        ...query,
        rowMode: 'array',
        types: asText,
      });
      const events: RecordedEvent[] = [];
      for (const row of rows) if (isEventRow(row)) events.push(toEvent(this.log, row));
      return { events, through: Number(rows[0]?.[15] ?? 0) };
    } catch (error) {
      throw unavailable(error);
    }
  }

  private newest(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
    const { versions } = this.opened;
    return versions ? events.map((event) => versions.upcast(event)) : events;
  }

  private announce(position: number): void {
    if (position <= this.watch.head) return;
    this.watch.observe(position);
    this.notices.announce(position);
  }

  /** While anyone waits: listens to other processes and looks itself every 250 ms, for what a notice did not tell. */
  private startPolling(): void {
    this.notices.listen();
    if (this.pollTimer || this.closing) return;
    const poll = async () => {
      await this.head().catch(() => {});
      this.pollTimer = this.watch.waiting > 0 && !this.closing ? setTimeout(poll, POLL_INTERVAL_MS) : undefined;
    };
    this.pollTimer = setTimeout(poll, 0);
  }
}

/** The log's own connections must look at the same tables as the pool does. */
async function checkPlace(appendPool: Pool, schema: string): Promise<void> {
  try {
    const { rows } = await appendPool.query<{ schema: string }>('select current_schema() as schema from log_head');
    if (rows[0]?.schema !== schema) throw new Error(`the log's connections do not see schema ${schema}`);
  } catch (error) {
    await appendPool.end();
    throw error;
  }
}

function lastPosition(evaluated: readonly Evaluated[]): number {
  let last = 0;
  for (const outcome of evaluated) {
    if ('positions' in outcome) last = Math.max(last, outcome.positions.at(-1) ?? 0);
  }
  return last;
}

/** One line a name. */
function revisionsAfter(names: readonly string[], after: ReadonlyMap<string, number>): string {
  return names.map((name) => after.get(name) ?? -1).join('\n');
}
