import type { Pool, PoolClient, QueryResult } from 'pg';
import type { EventLog, LogSlice } from './contract.js';
import { HeadWatch } from './head-watch.js';
import { inTransaction } from './postgres/transaction.js';
import type { Projection, ProjectionStatus } from './projection.js';

// A thousand at a time costs a third more, in round trips and commits, where many wait.
const BATCH_EVENTS = 4_000;
// An idle runner looks at the stored checkpoint so often, which another process may have set back to rebuild.
const IDLE_WAIT_MS = 5_000;
// ... and sooner where the stored one is behind what it has looked at.
const IDLE_WAIT_MS_BEHIND = 1_000;
// Rounds that nobody waits for begin so far apart: in a burst each folds many events in one transaction.
const ROUND_MS_MIN = 100;
// A checkpoint is moved over events that are not the projection's after so many positions, or when idle.
const IDLE_POSITIONS_MAX = 1_000;
const RETRY_AFTER_MS = 100;
const RETRY_AFTER_MS_MAX = 5_000;

/** The part of a pino logger that is used here. */
export interface RunnerLogger {
  error(fields: object, message: string): void;
}

export interface ProjectionRunnerOptions {
  /** Of the service that owns the projection's tables. */
  readonly pool: Pool;
  readonly log: EventLog;
  readonly projection: Projection;
  readonly logger?: RunnerLogger;
  readonly batchSize?: number;
}

/**
 * Follows a log and folds it into a projection's tables; rows and checkpoint change in one transaction. Several
 * processes may run the same projection: the checkpoint's row lock lets one at a time work and shows the others where it stands.
 * A projection of several logs has a runner and a checkpoint for each.
 */
export class ProjectionRunner {
  private readonly reached = new HeadWatch();
  /** Everything up to here is folded or not the projection's. */
  private position = 0;
  /** The checkpoint as this process last saw it; behind `position` where nothing of the projection lay between. */
  private storedPosition = 0;
  private lastError: string | undefined;
  private stopped = true;
  /** Ends the wait of the present round. */
  private round = new AbortController();
  private ahead: { readonly after: number; readonly slice: Promise<LogSlice> } | undefined;
  /** The next round reads the stored checkpoint, whatever it finds in the log. */
  private mustLook = true;
  /** Ends the pause between two rounds. */
  private hurry: (() => void) | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly options: ProjectionRunnerOptions) {}

  /** Begins to follow the log, from the stored checkpoint. */
  start(): void {
    if (this.running) return;
    this.stopped = false;
    this.running = this.follow();
  }

  /** Resolves when the batch under way is committed or given up. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.round.abort();
    this.hurry?.();
    await this.running;
    this.running = undefined;
  }

  /** True once the projection has reached `position`, false after `timeoutMs` (real clock). While anyone waits it does not pause. */
  waitFor(position: number, timeoutMs: number): Promise<boolean> {
    const reached = this.reached.wait(position - 1, timeoutMs);
    if (this.reached.waiting > 0) this.hurry?.();
    return reached;
  }

  /** Moves the stored checkpoint to where the projection is, over events that are not its own: else that waits a while. */
  async store(): Promise<void> {
    const through = this.position;
    if (through === this.storedPosition) return;
    this.storedPosition = await fromCheckpoint(this.options.pool, (client) =>
      this.applySlice(client, { events: [], through }),
    );
  }

  async status(): Promise<ProjectionStatus> {
    const { log, projection } = this.options;
    const status = { name: projection.name, log: log.log, position: this.position, head: await log.head() };
    return this.lastError === undefined ? status : { ...status, lastError: this.lastError };
  }

  /** Empties the tables and sets the checkpoint of every log to 0; whichever process runs the projection folds it again from there. */
  async rebuild(): Promise<void> {
    const { pool, log, projection } = this.options;
    await inTransaction(pool, async (client) => {
      await makeCheckpoint(client, projection.name, log.log);
      await lockCheckpoints(client, projection.name);
      await client.query(`truncate ${projection.tables.map((table) => client.escapeIdentifier(table)).join(', ')}`);
      await client.query('update projection_checkpoints set position = 0 where name = $1', [projection.name]);
    });
    this.reached.reset(0);
    this.mustLook = true;
    this.hurry?.();
    this.round.abort();
  }

  private async follow(): Promise<void> {
    const { log, projection, logger } = this.options;
    let retryAfterMs = RETRY_AFTER_MS;
    while (!this.stopped) {
      this.round = new AbortController();
      const { signal } = this.round;
      try {
        const begunAt = performance.now();
        const found = await this.advance();
        if (found === 'part') await this.pauseUntil(begunAt + ROUND_MS_MIN);
        if (found === 'nothing') {
          const waitMs = this.storedPosition < this.position ? IDLE_WAIT_MS_BEHIND : IDLE_WAIT_MS;
          if (!(await log.waitForAppend(this.position, waitMs, signal))) this.mustLook = true;
        }
        this.lastError = undefined;
        retryAfterMs = RETRY_AFTER_MS;
      } catch (error) {
        this.mustLook = true;
        this.ahead = undefined;
        this.lastError = error instanceof Error ? error.message : String(error);
        logger?.error({ projection: projection.name, position: this.position, err: error }, 'projection stands still');
        await pause(retryAfterMs, signal);
        retryAfterMs = Math.min(retryAfterMs * 2, RETRY_AFTER_MS_MAX);
      }
    }
  }

  /** Folds the next batch and says how much there was of it. */
  private async advance(): Promise<'nothing' | 'part' | 'whole batch'> {
    const { pool, batchSize = BATCH_EVENTS } = this.options;
    const before = this.position;
    const slice = await (this.ahead?.after === before ? this.ahead.slice : this.read(before));
    // While it catches up, the next batch is read as this one is folded.
    this.ahead = slice.events.length < batchSize ? undefined : this.readAhead(slice.through);
    const isDue = slice.events.length > 0 || slice.through - this.storedPosition >= IDLE_POSITIONS_MAX || this.mustLook;
    let reached = slice.through;
    if (isDue) {
      this.mustLook = false;
      reached = await fromCheckpoint(pool, (client) => this.applySlice(client, slice));
      this.storedPosition = reached;
    }
    if (reached < before) this.reached.reset(reached);
    this.position = reached;
    this.reached.observe(reached);
    if (reached === before) return 'nothing';
    return reached === slice.through && slice.events.length < batchSize ? 'part' : 'whole batch';
  }

  private read(after: number): Promise<LogSlice> {
    const { log, projection, batchSize = BATCH_EVENTS } = this.options;
    const query = { after, limit: batchSize, follows: true };
    return log.readLog(projection.types ? { ...query, types: projection.types } : query);
  }

  private readAhead(after: number): { after: number; slice: Promise<LogSlice> } {
    const slice = this.read(after);
    // Said again when it is awaited.
    slice.catch(() => {});
    return { after, slice };
  }

  /** The position afterwards: another process's, where that has moved the checkpoint meanwhile. */
  private async applySlice(client: PoolClient, slice: LogSlice): Promise<number> {
    const { log, projection } = this.options;
    const stored = await lockCheckpoint(client, projection.name, log.log);
    // `store` and the loop may both be here, one after the other: what is folded is never folded again.
    if (stored !== this.storedPosition || slice.through <= stored) return stored;
    if (slice.events.length > 0) await projection.apply(client, slice.events);
    const move = 'update projection_checkpoints set position = $3 where name = $1 and log = $2';
    await client.query(move, [projection.name, log.log, slice.through]);
    return slice.through;
  }

  private async pauseUntil(atMs: number): Promise<void> {
    if (this.stopped || this.reached.waiting > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, atMs - performance.now()));
      this.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.hurry = undefined;
  }
}

/** Holds the checkpoint, made where it is not there yet, until the transaction ends. Begins the transaction: one round trip less. */
async function lockCheckpoint(client: PoolClient, name: string, log: number): Promise<number> {
  const select = `select position from projection_checkpoints
     where name = ${client.escapeLiteral(name)} and log = ${Math.trunc(log)} for update`;
  const answers = (await client.query(`begin; ${select}`)) as unknown as readonly QueryResult<{ position: string }>[];
  const row = answers[1]?.rows[0];
  if (row) return Number(row.position);
  await makeCheckpoint(client, name, log);
  return Number((await client.query<{ position: string }>(select)).rows[0]?.position);
}

async function makeCheckpoint(client: PoolClient, name: string, log: number): Promise<void> {
  const insert = 'insert into projection_checkpoints (name, log) values ($1, $2) on conflict do nothing';
  await client.query(insert, [name, log]);
}

/** Holds the checkpoints of all logs, in one order for everybody: nothing is folded while the tables are emptied. */
async function lockCheckpoints(client: PoolClient, name: string): Promise<void> {
  await client.query('select from projection_checkpoints where name = $1 order by log for update', [name]);
}

/** Runs `work`, which begins the transaction with `lockCheckpoint`, to its commit. */
const fromCheckpoint = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  inTransaction(pool, work, { begin: false });

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
