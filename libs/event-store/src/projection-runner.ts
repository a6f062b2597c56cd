import type { Pool, PoolClient } from 'pg';
import type { EventLog, LogSlice } from './contract.js';
import { HeadWatch } from './head-watch.js';
import type { Projection, ProjectionStatus } from './projection.js';

const BATCH_EVENTS = 1_000;
// An idle runner looks at the stored checkpoint so often, which another process may have set back to rebuild.
const IDLE_WAIT_MS = 5_000;
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
 */
export class ProjectionRunner {
  private readonly reached = new HeadWatch();
  private position = 0;
  private lastError: string | undefined;
  private stopped = true;
  /** Ends the wait of the present round. */
  private round = new AbortController();
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
    await this.running;
    this.running = undefined;
  }

  /** True once the projection has reached `position`, false after `timeoutMs` (real clock). */
  waitFor(position: number, timeoutMs: number): Promise<boolean> {
    return this.reached.wait(position - 1, timeoutMs);
  }

  async status(): Promise<ProjectionStatus> {
    const { log, projection } = this.options;
    const status = { name: projection.name, position: this.position, head: await log.head() };
    return this.lastError === undefined ? status : { ...status, lastError: this.lastError };
  }

  /** Empties the tables and sets the checkpoint to 0; whichever process runs the projection folds it again from there. */
  async rebuild(): Promise<void> {
    const { pool, projection } = this.options;
    await inTransaction(pool, async (client) => {
      await lockCheckpoint(client, projection.name);
      await client.query(`truncate ${projection.tables.map((table) => client.escapeIdentifier(table)).join(', ')}`);
      await moveCheckpoint(client, projection.name, 0);
    });
    this.reached.reset(0);
    this.round.abort();
  }

  private async follow(): Promise<void> {
    const { log, projection, logger } = this.options;
    let retryAfterMs = RETRY_AFTER_MS;
    while (!this.stopped) {
      this.round = new AbortController();
      const { signal } = this.round;
      try {
        if (!(await this.advance())) await log.waitForAppend(this.position, IDLE_WAIT_MS, signal);
        this.lastError = undefined;
        retryAfterMs = RETRY_AFTER_MS;
      } catch (error) {
        this.lastError = error instanceof Error ? error.message : String(error);
        logger?.error({ projection: projection.name, position: this.position, err: error }, 'projection stands still');
        await pause(retryAfterMs, signal);
        retryAfterMs = Math.min(retryAfterMs * 2, RETRY_AFTER_MS_MAX);
      }
    }
  }

  /** Folds the next batch. False when there is nothing to do. */
  private async advance(): Promise<boolean> {
    const { pool, log, projection, batchSize = BATCH_EVENTS } = this.options;
    const query = { after: this.position, limit: batchSize };
    const slice = await log.readLog(projection.types ? { ...query, types: projection.types } : query);
    const stored = await inTransaction(pool, (client) => this.applySlice(client, slice));
    if (stored < query.after) this.reached.reset(stored);
    this.position = stored;
    this.reached.observe(stored);
    return stored !== query.after;
  }

  /** The checkpoint afterwards: another process's, where that has moved it meanwhile. */
  private async applySlice(client: PoolClient, slice: LogSlice): Promise<number> {
    const { projection } = this.options;
    const stored = await lockCheckpoint(client, projection.name);
    if (stored !== this.position || slice.through === stored) return stored;
    if (slice.events.length > 0) await projection.apply(client, slice.events);
    await moveCheckpoint(client, projection.name, slice.through);
    return slice.through;
  }
}

/** Reads the checkpoint, made where it is not there yet, and holds it until the transaction ends. */
async function lockCheckpoint(client: PoolClient, name: string): Promise<number> {
  const select = 'select position from projection_checkpoints where name = $1 for update';
  const found = await client.query<{ position: string }>(select, [name]);
  if (found.rows[0]) return Number(found.rows[0].position);
  await client.query('insert into projection_checkpoints values ($1, 0) on conflict do nothing', [name]);
  return lockCheckpoint(client, name);
}

async function moveCheckpoint(client: PoolClient, name: string, position: number): Promise<void> {
  await client.query('update projection_checkpoints set position = $2 where name = $1', [name, position]);
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  // Said once more in the rejection of the statement that was under way.
  const ignore = () => {};
  client.on('error', ignore);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    broken = false;
    return result;
  } catch (error) {
    broken = await client.query('rollback').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

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
