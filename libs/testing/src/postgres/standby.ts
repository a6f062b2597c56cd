import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type RunningPostgres, startPostgres } from '../embedded-postgres.js';

export interface Replicated {
  readonly primary: RunningPostgres;
  /** A hot standby that streams from the primary: superuser, database `postgres`. */
  readonly standby: RunningPostgres;
  /** Replay stands still from here on: the standby lags behind all that the primary commits, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves when the standby shows everything that the primary has committed by now. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A primary and its streaming standby, for specs. The embedded binaries have no pg_basebackup: the standby begins as a copy
 * of the stopped primary's files, and streams from there.
 */
export async function startReplicated(): Promise<Replicated> {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-standby-'));
  chmodSync(directory, 0o755);
  const [first, second] = [join(directory, 'primary'), join(directory, 'standby')];
  const made = await startPostgres({ dataDirectory: first });
  await made.stop();
  mkdirSync(second, { mode: 0o755 });
  for (const part of ['data', 'password']) execFileSync('cp', ['-a', join(made.directory, part), second]);
  const signal = join(second, 'data', 'standby.signal');
  writeFileSync(signal, '');
  const { uid, gid } = statSync(join(second, 'data'));
  for (const path of [second, signal]) chownSync(path, uid, gid);

  const primary = await startPostgres({ dataDirectory: first, port: made.port });
  const standby = await startPostgres({
    dataDirectory: second,
    settings: { primary_conninfo: conninfo(primary.url) },
  });
  return {
    primary,
    standby,
    pause: () => ask(standby, 'select pg_wal_replay_pause()').then(() => untilPaused(standby)),
    resume: async () => void (await ask(standby, 'select pg_wal_replay_resume()')),
    async caughtUp() {
      const [at] = await ask(primary, 'select pg_current_wal_lsn()::text as at');
      for (;;) {
        const [row] = await ask(standby, `select pg_last_wal_replay_lsn() >= '${at?.at}' as at`);
        if (row?.at === true) return;
      }
    },
    async close() {
      await standby.stop();
      await primary.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function conninfo(url: string): string {
  const { hostname, port, username, password } = new URL(url);
  return `host=${hostname} port=${port} user=${username} password=${password}`;
}

async function untilPaused(standby: RunningPostgres): Promise<void> {
  for (;;) {
    const [row] = await ask(standby, 'select pg_get_wal_replay_pause_state() as at');
    if (row?.at === 'paused') return;
  }
}

async function ask({ url }: RunningPostgres, sql: string): Promise<{ at: unknown }[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ at: unknown }>(sql)).rows;
  } finally {
    await client.end();
  }
}
