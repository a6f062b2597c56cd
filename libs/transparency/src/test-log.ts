import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { eventStoreMigrations, PostgresEventLog, toNewEvent } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { testDatabase } from '@tsunagu/testing';
import { Pool } from 'pg';
import { originOf } from './checkpoint.js';
import { exportLog } from './export/write-export.js';
import { transparencyMigrations } from './index.js';
import { LogTree } from './log-tree.js';
import { parseVerifier, verifierText } from './signed-note.js';
import { TreeKeeper } from './tree-keeper.js';
import { TreeStore } from './tree-store.js';

const startMs = Date.parse('2026-11-20T01:00:00.000Z');

export type TestLog = Awaited<ReturnType<typeof testLog>>;

/** A log with its tree on a real database, for the specs of this library. */
export async function testLog() {
  const database = await testDatabase();
  const role = `tree_${randomUUID().slice(0, 8)}`;
  for (const directory of [eventStoreMigrations, transparencyMigrations]) {
    for (const file of readdirSync(directory).sort()) {
      await database.pool.query(readFileSync(new URL(file, directory), 'utf8'));
    }
  }
  await database.pool.query(
    `create role ${role} login password '${role}';
     grant select, insert on all tables in schema public to ${role};
     grant update on log_head to ${role}; grant execute on all functions in schema public to ${role}`,
  );
  const url = new URL(database.url);
  url.username = role;
  url.password = role;
  const pool = new Pool({ connectionString: url.href, max: 8 });
  pool.on('error', () => {});
  const clock = { nowMs: startMs, now: () => clock.nowMs };
  const log = await PostgresEventLog.open({ pool, clock });
  const { privateKey } = generateKeyPairSync('ed25519');
  const origin = originOf('tsunagu.test', 'spec', 0);
  const verifierKey = verifierText(origin, createPublicKey(privateKey));
  const store = new TreeStore(pool, 0);
  let count = 0;

  return {
    database,
    pool,
    log,
    clock,
    origin,
    privateKey,
    verifierKey,
    verifiers: [parseVerifier(verifierKey)].flatMap((verifier) => verifier ?? []),
    store,
    tree: new LogTree({ origin, verifierKey, store, rows: log, headEveryMs: 10_000 }),
    keeper: (options: { headEveryMs?: number; privateKey?: KeyObject } = {}) =>
      new TreeKeeper({ pool, rows: log, clock, origin, privateKey, headEveryMs: 10_000, ...options }),
    /** Appends events of a stream each, in one request each. */
    async add(
      events: number,
      data: (n: number) => object = (n) => ({ n, text: 'つなぐ "x" \\ \u2028' }),
    ): Promise<void> {
      const requests = Array.from({ length: events }, () => {
        count += 1;
        const meta = {
          id: randomUUID(),
          effectiveAt: isoTime(clock.nowMs),
          correlationId: randomUUID(),
          causationId: count % 3 === 0 ? randomUUID() : null,
          actor: 'service:spec',
          ownerId: count % 2 === 0 ? 'demo' : null,
        };
        const event = toNewEvent({ type: 'SpecHappened', data: data(count) }, meta);
        const more = count % 5 === 0 ? { ...event, reads: { [`other-${count}`]: 3 } } : event;
        return { writes: [{ stream: `spec-${count}`, expectedRevision: 'noStream' as const, events: [more] }] };
      });
      await log.append(requests);
    },
    async close() {
      await log.close();
      await pool.end();
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
      await database.close();
    },
  };
}

/** The log's export in a file, as the command writes it. */
export async function exportTo({ database, pool, clock }: TestLog, file: string): Promise<void> {
  const source = { service: 'spec', log: 0, events: database.pool, tree: pool, exportedAt: isoTime(clock.nowMs) };
  await pipeline(Readable.from(exportLog(source)), createGzip(), createWriteStream(file));
}
