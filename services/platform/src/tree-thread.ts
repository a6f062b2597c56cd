import { Worker } from 'node:worker_threads';
import type { TreeKeeperOptions, TreeKeeping, TreeStatus } from '@tsunagu/transparency';
import type { Pool } from 'pg';
import type { Connection, FromThread, ToThread, TreeOrder } from './tree-thread-work.js';

const CLOCK_EVERY_MS = 250;
const AGAIN_AFTER_MS = 1_000;
const entryPoint = new URL('../bin/tree-thread.mjs', import.meta.url);

interface Kept {
  readonly options: TreeKeeperOptions;
  readonly order: TreeOrder;
  running: boolean;
  /** Set while it waits to be begun again. */
  again?: NodeJS.Timeout | undefined;
}

/**
 * One thread that keeps the trees of all services of this process, so that their hashing takes nothing from the thread that
 * serves requests. A thread that breaks is opened again and goes on from what is stored.
 */
export class TreeThread {
  private readonly kept: Kept[] = [];
  private readonly asked = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private questions = 0;
  private thread: Worker | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** The clock is that of all its trees. */
  constructor(
    private readonly clock: TreeKeeperOptions['clock'],
    private readonly openWorker = () => new Worker(entryPoint, { name: 'trees' }),
  ) {}

  /** The log's rows lie in the database at `sourceUrl`, in the schema that the options' pool sees. */
  keeping(options: TreeKeeperOptions, sourceUrl: string): TreeKeeping {
    const { rows, origin, privateKey, headEveryMs } = options;
    const store = connectionOf(options.pool);
    const source = { ...store, connectionString: sourceUrl };
    const order: TreeOrder = { ask: 'keep', log: rows.log, origin, privateKey, headEveryMs, store, source };
    const kept: Kept = { options, order, running: false };
    const tree = this.kept.push(kept) - 1;
    return {
      start: () => {
        kept.running = true;
        this.begin(tree, kept);
      },
      stop: async () => {
        kept.running = false;
        clearTimeout(kept.again);
        if (this.thread) await this.ask(tree, { ask: 'stop' }).catch(() => undefined);
      },
      status: () => this.ask(tree, { ask: 'status' }) as Promise<TreeStatus>,
    };
  }

  /** After its trees were stopped. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.thread?.terminate();
  }

  private begin(tree: number, kept: Kept): void {
    this.ask(tree, kept.order).catch((error: unknown) => this.beginAgain(tree, kept, error));
  }

  private beginAgain(tree: number, kept: Kept, err: unknown): void {
    if (!kept.running || kept.again) return;
    kept.options.logger?.error({ log: kept.order.log, err, alarm: 'log_tree' }, 'the tree of the log is not kept');
    kept.again = setTimeout(() => {
      kept.again = undefined;
      if (kept.running) this.begin(tree, kept);
    }, AGAIN_AFTER_MS).unref();
  }

  private ask(tree: number, what: TreeOrder | { readonly ask: 'status' | 'stop' }): Promise<unknown> {
    if (this.closed) return Promise.reject(new Error('the thread of the trees is closed'));
    this.thread ??= this.open();
    this.questions += 1;
    const question = this.questions;
    const answered = new Promise((resolve, reject) => this.asked.set(question, { resolve, reject }));
    this.thread.postMessage({ ...what, question, tree } satisfies ToThread);
    return answered;
  }

  private open(): Worker {
    const thread = this.openWorker();
    thread.unref();
    const tell = () => thread.postMessage({ offsetMs: this.clock.now() - Date.now() } satisfies ToThread);
    tell();
    this.timer = setInterval(tell, CLOCK_EVERY_MS).unref();
    thread.on('message', (message: FromThread) => this.hear(message));
    let cause = new Error('the thread of the trees has ended');
    thread.on('error', (error: Error) => {
      cause = error;
    });
    thread.on('exit', () => this.lose(cause));
    return thread;
  }

  private hear(message: FromThread): void {
    if ('alarm' in message) {
      this.kept[message.tree]?.options.logger?.error(message.alarm, message.text);
      return;
    }
    const asked = this.asked.get(message.question);
    this.asked.delete(message.question);
    if ('error' in message) asked?.reject(new Error(message.error));
    else asked?.resolve(message.value);
  }

  private lose(cause: Error): void {
    clearInterval(this.timer);
    this.thread = undefined;
    for (const { reject } of this.asked.values()) reject(cause);
    this.asked.clear();
    for (const [tree, kept] of this.kept.entries()) this.beginAgain(tree, kept, cause);
  }
}

/** What a thread can be told of a pool. */
function connectionOf({ options }: Pool): Connection {
  const { connectionString, options: parameters, application_name, connectionTimeoutMillis } = options;
  return { connectionString, options: parameters, application_name, connectionTimeoutMillis };
}
