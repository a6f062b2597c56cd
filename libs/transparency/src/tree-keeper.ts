import type { KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inTransaction, type RecordedRow, type RecordedRows } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import { checkpointText } from './checkpoint.js';
import { leafOf } from './leaf.js';
import { leafHash, RightEdge } from './merkle.js';
import { signNote } from './signed-note.js';
import { RunGatherer } from './tiles.js';
import { TreeStore } from './tree-store.js';

/** Leaves added in one transaction. */
const BATCH_LEAVES = 2_000;
/** Rounds begin so far apart while the log grows slowly: a quiet log has fewer, longer runs. */
const ROUND_MS_MIN = 500;
const IDLE_WAIT_MS = 5_000;
const RETRY_AFTER_MS = 1_000;
const RETRY_AFTER_MS_MAX = 30_000;

/** The part of a pino logger that is used here. */
export interface KeeperLogger {
  error(fields: object, message: string): void;
}

export interface TreeKeeperOptions {
  /** Of the service whose schema holds the tree; its role may insert and read there. */
  readonly pool: Pool;
  readonly rows: RecordedRows;
  readonly clock: Clock;
  /** Names the log and its key (C2SP checkpoint). */
  readonly origin: string;
  readonly privateKey: KeyObject;
  /** At most one head in this time. */
  readonly headEveryMs: number;
  readonly logger?: KeeperLogger;
}

export interface TreeStatus {
  readonly log: number;
  readonly origin: string;
  /** Leaves of the tree so far. */
  readonly size: number;
  readonly head: number;
  /** Why it does not go on, while it does not. */
  readonly lastError?: string;
}

/** A tree that is kept, by a TreeKeeper here or elsewhere. */
export interface TreeKeeping {
  start(): void;
  /** Resolves when the batch under way is committed or given up. */
  stop(): Promise<void>;
  status(): Promise<TreeStatus>;
}

/**
 * Follows a log: adds each recorded event as a leaf to the stored tree, never looking at an old one again, and signs a head
 * now and then. Hashes of a batch are stored in one transaction, and the tree's size is what is stored, so a process that
 * dies anywhere leaves a tree to go on from. Several processes may run it: an advisory lock lets one at a time add.
 */
export class TreeKeeper implements TreeKeeping {
  private readonly store: TreeStore;
  private readonly gatherer = new RunGatherer();
  private edge: RightEdge | undefined;
  private lastError: string | undefined;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: TreeKeeperOptions) {
    this.store = new TreeStore(options.pool, options.rows.log);
  }

  start(): void {
    this.running ??= this.follow();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  async status(): Promise<TreeStatus> {
    const { rows, origin } = this.options;
    const status = { log: rows.log, origin, size: this.edge?.size ?? 0, head: await rows.head() };
    return this.lastError === undefined ? status : { ...status, lastError: this.lastError };
  }

  /** Adds what is recorded up to now and signs a head where one is due. For commands and specs; `start` does it all the time. */
  async catchUp(): Promise<void> {
    while ((await this.advance()) > 0);
  }

  private async follow(): Promise<void> {
    const { rows, logger } = this.options;
    const { signal } = this.stopping;
    let retryAfterMs = RETRY_AFTER_MS;
    while (!signal.aborted) {
      try {
        const added = await this.advance();
        this.lastError = undefined;
        retryAfterMs = RETRY_AFTER_MS;
        if (added === 0) await rows.waitForAppend(this.edge?.size ?? 0, IDLE_WAIT_MS, signal);
        if (added < BATCH_LEAVES) await pause(ROUND_MS_MIN, undefined, { signal }).catch(() => {});
      } catch (error) {
        this.edge = undefined;
        this.lastError = error instanceof Error ? error.message : String(error);
        logger?.error({ log: rows.log, err: error, alarm: 'log_tree' }, 'the tree of the log stands still');
        await pause(retryAfterMs, undefined, { signal }).catch(() => {});
        retryAfterMs = Math.min(RETRY_AFTER_MS_MAX, retryAfterMs * 2);
      }
    }
  }

  /** Adds the next batch and says how many leaves that was. */
  private async advance(): Promise<number> {
    const edge = this.edge ?? (await this.load());
    const rows = await this.options.rows.readRows({ after: edge.size, limit: BATCH_LEAVES });
    const before = edge.size;
    // Until it is committed the edge in memory is ahead of the stored one; whatever goes wrong, it is loaded again.
    this.edge = undefined;
    if (rows.length === 0) await this.checkHead(before);
    appendLeaves(edge, rows);
    const runs = this.gatherer.take();
    const agreed = await inTransaction(this.options.pool, async (client) => {
      await lockTree(client, this.options.rows.log);
      if ((await this.store.size(client)) !== before) return false;
      if (runs.length > 0) await this.store.append(client, runs);
      await this.signWhenDue(client, edge);
      return true;
    });
    if (agreed) this.edge = edge;
    return agreed ? rows.length : this.advance();
  }

  /** What was hashed cannot be gone. */
  private async checkHead(size: number): Promise<void> {
    const head = await this.options.rows.head();
    if (head < size) throw new Error(`the log ends at position ${head}, but its tree has ${size} leaves`);
  }

  private async load(): Promise<RightEdge> {
    this.gatherer.take();
    return RightEdge.load(await this.store.size(), this.store, this.gatherer.add);
  }

  private async signWhenDue(client: PoolClient, edge: RightEdge): Promise<void> {
    const { clock, origin, privateKey, headEveryMs } = this.options;
    if (edge.size === 0) return;
    const last = await this.store.lastHead(client);
    const nowMs = clock.now();
    if (last && (last.size >= edge.size || nowMs < Date.parse(last.signedAt) + headEveryMs)) return;
    const body = checkpointText({ origin, size: edge.size, root: edge.root() });
    const note = signNote(body, origin, privateKey);
    await this.store.addHead(client, { size: edge.size, signedAt: isoTime(nowMs), note });
  }
}

/** A log that is not gap-free must not be signed. */
function appendLeaves(edge: RightEdge, rows: readonly RecordedRow[]): void {
  for (const row of rows) {
    if (row[7] !== String(edge.size + 1)) throw new Error(`position ${row[7]} follows ${edge.size} in the log`);
    edge.append(leafHash(leafOf(row)));
  }
}

/** Held until the transaction ends. */
async function lockTree(client: PoolClient, log: number): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('log tree ' || current_schema(), $1))`, [log]);
}
