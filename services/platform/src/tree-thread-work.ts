import type { KeyObject } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { PostgresEventLog } from '@tsunagu/event-store';
import { TreeKeeper } from '@tsunagu/transparency';
import { Pool, type PoolConfig } from 'pg';

/** How to connect as a pool of the other thread does. */
export type Connection = Pick<
  PoolConfig,
  'connectionString' | 'options' | 'application_name' | 'connectionTimeoutMillis'
>;

export interface TreeOrder {
  readonly ask: 'keep';
  readonly log: number;
  readonly origin: string;
  readonly privateKey: KeyObject;
  readonly headEveryMs: number;
  /** Where the tree is stored, and where the log's rows lie. */
  readonly store: Connection;
  readonly source: Connection;
}

/** What the thread is told; each question is answered once. */
export type ToThread =
  | { readonly offsetMs: number }
  | (({ readonly ask: 'status' | 'stop' } | TreeOrder) & { readonly question: number; readonly tree: number });

export type FromThread =
  | { readonly alarm: object; readonly text: string; readonly tree: number }
  | { readonly question: number; readonly value: unknown }
  | { readonly question: number; readonly error: string };

interface Kept {
  readonly keeper: TreeKeeper;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 2;

/** What runs in the thread that `TreeThread` opens. */
export function keepTrees(port = parentPort): void {
  const kept = new Map<number, Promise<Kept>>();
  let offsetMs = 0;
  const clock = { now: () => Date.now() + offsetMs };
  const say = (message: FromThread) => port?.postMessage(message);

  port?.on('message', (message: ToThread) => {
    if ('offsetMs' in message) {
      offsetMs = message.offsetMs;
      return;
    }
    const { question } = message;
    answer(message).then(
      (value) => say({ question, value }),
      (error: Error) => say({ question, error: error.message }),
    );
  });

  async function answer(message: Exclude<ToThread, { offsetMs: number }>): Promise<unknown> {
    const { tree } = message;
    if (message.ask === 'keep') {
      const error = (alarm: object, text: string) => say({ alarm, text, tree });
      const opening = keep(message, { clock, logger: { error } });
      kept.set(tree, opening);
      await opening;
      return undefined;
    }
    const known = await kept.get(tree);
    if (message.ask === 'status') return known?.keeper.status();
    kept.delete(tree);
    return known?.close();
  }
}

async function keep(
  { log, origin, privateKey, headEveryMs, store, source }: TreeOrder,
  parts: Pick<ConstructorParameters<typeof TreeKeeper>[0], 'clock' | 'logger'>,
): Promise<Kept> {
  const pool = openPool(store);
  const sourcePool = source.connectionString === store.connectionString ? pool : openPool(source);
  const rows = await PostgresEventLog.open({ pool: sourcePool, clock: parts.clock, log });
  const keeper = new TreeKeeper({ pool, rows, origin, privateKey, headEveryMs, ...parts });
  keeper.start();
  return {
    keeper,
    async close() {
      await keeper.stop();
      await rows.close();
      await Promise.all([...new Set([pool, sourcePool])].map((each) => each.end()));
    },
  };
}

function openPool(connection: Connection): Pool {
  const pool = new Pool({ ...connection, max: CONNECTIONS_MAX });
  pool.on('error', () => undefined);
  return pool;
}
