import { createPublicKey } from 'node:crypto';
import type { ServiceName } from '@tsunagu/contracts';
import type { EventLog, RecordedRows } from '@tsunagu/event-store';
import {
  LogTree,
  originOf,
  TreeKeeper,
  type TreeKeeping,
  type TreeStatus,
  TreeStore,
  verifierText,
} from '@tsunagu/transparency';
import { ConfigError, type Environment, numberSetting, textSetting } from './config.js';
import { loadOrCreateKey } from './keyring.js';
import type { ServiceParts } from './parts.js';

/** Where no other name is given, the logs of an installation are told apart from nobody else's. */
const DEFAULT_ORIGIN = 'tsunagu.local';
const ORIGIN = /^[a-z0-9][a-z0-9.-]{0,100}(\/[a-z0-9.-]{1,50}){0,3}$/;

/** The trees over a service's logs: kept, signed and asked for proofs. A log that cannot be read as recorded has none. */
export class LogTrees {
  private constructor(
    private readonly trees: ReadonlyMap<number, LogTree>,
    private readonly keepers: readonly TreeKeeping[],
  ) {}

  /** The key is `log-<service>` of the key directory. Throws ConfigError for TSUNAGU_LOG_ORIGIN and TSUNAGU_HEAD_SECONDS. */
  static async open(service: ServiceName, parts: ServiceParts, env: Environment): Promise<LogTrees> {
    const { base, headEveryMs } = treeSettings(env, parts.profile);
    const { privateKey } = await loadOrCreateKey(parts.keyDirectory, `log-${service}`, 'Ed25519');
    const { database: pool, clock, logger } = parts;
    const trees = new Map<number, LogTree>();
    const keepers: TreeKeeping[] = [];
    const keeperOf = parts.treeKeeping ?? ((options) => new TreeKeeper(options));
    for (const rows of (parts.logs ?? [parts.log]).filter(hasRecordedRows)) {
      const origin = originOf(base, service, rows.log);
      const verifierKey = verifierText(origin, createPublicKey(privateKey));
      const store = new TreeStore(pool, rows.log);
      trees.set(rows.log, new LogTree({ origin, verifierKey, store, rows, headEveryMs }));
      keepers.push(keeperOf({ pool, rows, clock, origin, privateKey, headEveryMs, logger }));
    }
    return new LogTrees(trees, keepers);
  }

  get all(): readonly LogTree[] {
    return [...this.trees.values()];
  }

  of(log: number): LogTree | undefined {
    return this.trees.get(log);
  }

  start(): void {
    for (const keeper of this.keepers) keeper.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.keepers.map((keeper) => keeper.stop()));
  }

  status(): Promise<readonly TreeStatus[]> {
    return Promise.all(this.keepers.map((keeper) => keeper.status()));
  }
}

function treeSettings(env: Environment, profile: ServiceParts['profile']): { base: string; headEveryMs: number } {
  const base = textSetting(env, 'TSUNAGU_LOG_ORIGIN', DEFAULT_ORIGIN);
  if (!ORIGIN.test(base)) {
    throw new ConfigError(`TSUNAGU_LOG_ORIGIN must be a name such as points.city.example, not "${base}".`);
  }
  // A head signed under a name that others have as well proves nothing of whose log it is.
  if (profile === 'production' && base === DEFAULT_ORIGIN) {
    throw new ConfigError(`In production TSUNAGU_LOG_ORIGIN must be a name of your own, not "${DEFAULT_ORIGIN}".`);
  }
  const seconds = numberSetting(env, 'TSUNAGU_HEAD_SECONDS', { fallback: 10, min: 1, max: 3_600 });
  return { base, headEveryMs: seconds * 1_000 };
}

function hasRecordedRows(log: EventLog): log is EventLog & RecordedRows {
  return 'readRows' in log;
}
