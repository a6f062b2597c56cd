import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { eventStoreMigrations, PostgresEventLog } from '@tsunagu/event-store';
import { realClock } from '@tsunagu/kernel';
import { Pool } from 'pg';
import { originOf, parseVerifier, TreeKeeper, TreeStore, transparencyMigrations, verifierText } from '../src/index.js';

const SCHEMA = 'bench_tree';

export type TreePlace = Awaited<ReturnType<typeof openTreePlace>>;

/** A log of so many events, each like a grant and of about 390 bytes, and no tree yet. */
export async function openTreePlace(url: string, events: number) {
  const pool = new Pool({ connectionString: url, max: 6, options: `-c search_path=${SCHEMA}` });
  await pool.query(`drop schema if exists ${SCHEMA} cascade; create schema ${SCHEMA}`);
  for (const directory of [eventStoreMigrations, transparencyMigrations]) {
    for (const file of readdirSync(directory).sort()) {
      await pool.query(readFileSync(new URL(file, directory), 'utf8'));
    }
  }
  await pool.query(FILL, [events]);
  await pool.query('update log_head set position = $1', [events]);
  await pool.query('vacuum analyze events');
  const log = await PostgresEventLog.open({ pool, clock: realClock });
  const { privateKey } = generateKeyPairSync('ed25519');
  const origin = originOf('tsunagu.test', 'bench', 0);
  const verifier = parseVerifier(verifierText(origin, createPublicKey(privateKey)));
  return {
    pool,
    log,
    store: new TreeStore(pool, 0),
    verifiers: verifier ? [verifier] : [],
    verifierKey: verifierText(origin, createPublicKey(privateKey)),
    keeper: () => new TreeKeeper({ pool, rows: log, clock: realClock, origin, privateKey, headEveryMs: 1_000 }),
    async emptyTree() {
      await pool.query('truncate log_tree_runs, log_heads');
    },
    async close() {
      await log.close();
      await pool.query(`drop schema ${SCHEMA} cascade`);
      await pool.end();
    },
  };
}

const FILL = `
  insert into events (position, stream, revision, event_id, request_id, type, schema_version, effective_at, recorded_at,
    correlation_id, causation_id, actor, owner_id, reads, data)
  select n, 'account-' || gen_random_uuid(), 0, uuidv7(), uuidv7(), 'PointsGranted', 1, now(), now(), gen_random_uuid(),
         uuidv7(), 'service:point-ledger', 'city-131016', json_build_object('account-' || n, -1),
         json_build_object('claimId', gen_random_uuid(), 'points', 5000, 'fundId', 'fund-1',
                           'expiresAt', '2027-03-31T15:00:00.000Z')
    from generate_series(1, $1::bigint) as n`;
