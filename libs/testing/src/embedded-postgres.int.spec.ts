import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { PostgresStartError, type RunningPostgres, startPostgres } from './embedded-postgres.js';

/** Several servers are made from nothing, on a machine that may be busy. */
const limitMs = 120_000;
const made: string[] = [];
const running: RunningPostgres[] = [];

function place(mode = 0o755): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-pg-'));
  chmodSync(directory, mode);
  made.push(directory);
  return directory;
}

async function start(dataDirectory: string, port = 0): Promise<RunningPostgres> {
  const postgres = await startPostgres({ dataDirectory, port, waitForOwnerMs: 100 });
  running.push(postgres);
  return postgres;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

afterEach(async () => {
  const stopped = running.splice(0);
  for (const postgres of stopped) await postgres.stop();
  for (const { directory } of stopped) rmSync(directory, { recursive: true, force: true });
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}, limitMs);

describe('the embedded PostgreSQL', () => {
  it(
    'finds the data of the first start at the second, and stops within a second',
    async () => {
      const directory = place();
      const first = await start(directory);
      await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
      expect(
        await ask(first.url, "SELECT current_setting('data_checksums') AS c, current_setting('lc_collate', true) AS l"),
      ).toEqual([{ c: 'on', l: null }]);
      const before = Date.now();
      await first.stop();
      expect(Date.now() - before).toBeLessThan(1000);
      const second = await start(directory);
      expect(await ask(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    },
    limitMs,
  );

  it(
    'says in one sentence that the port is in use',
    async () => {
      const busy = createServer();
      await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
      const { port } = busy.address() as { port: number };
      await expect(start(place(), port)).rejects.toThrow(new RegExp(`port ${port} is in use\\.$`));
      busy.close();
    },
    limitMs,
  );

  it(
    'says in one sentence that the data directory is broken',
    async () => {
      const directory = place();
      const first = await start(directory);
      await first.stop();
      writeFileSync(join(first.directory, 'data', 'PG_VERSION'), '9.6\n');
      await expect(start(directory)).rejects.toThrow(PostgresStartError);
      rmSync(join(first.directory, 'data', 'PG_VERSION'));
      await expect(start(directory)).rejects.toThrow(/is broken: its password or PG_VERSION file is missing\.$/);
    },
    limitMs,
  );

  it(
    'has one owner a directory',
    async () => {
      const directory = place();
      await start(directory);
      await expect(start(directory)).rejects.toThrow(/is in use by process \d+\.$/);
    },
    limitMs,
  );

  it(
    'stops the server that a killed owner left behind, and recovers what was committed',
    async () => {
      const directory = place();
      const script = `
      import '${new URL('../../../tools/hook.mjs', import.meta.url).href}';
      const { startPostgres } = await import('${new URL('./embedded-postgres.ts', import.meta.url).href}');
      const postgres = await startPostgres({ dataDirectory: ${JSON.stringify(directory)} });
      console.log(JSON.stringify(postgres));`;
      const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const left = await new Promise<RunningPostgres>((resolve) => {
        owner.stdout.once('data', (line) => resolve(JSON.parse(String(line)) as RunningPostgres));
      });
      await ask(left.url, 'CREATE TABLE kept AS SELECT 8 AS n');
      owner.kill('SIGKILL');
      await new Promise((resolve) => owner.once('exit', resolve));
      const next = await start(directory);
      expect(next.pid).not.toBe(left.pid);
      expect(await ask(next.url, 'SELECT n FROM kept')).toEqual([{ n: 8 }]);
      await expect(ask(left.url, 'SELECT 1')).rejects.toThrow();
    },
    limitMs,
  );

  it(
    'puts its files elsewhere, and says where, when its user cannot enter the wanted place',
    async () => {
      if (process.getuid?.() !== 0) return;
      const directory = place(0o700);
      const first = await start(directory);
      expect(first.directory).not.toBe(directory);
      expect(readFileSync(join(directory, 'LOCATION'), 'utf8')).toContain(first.directory);
      await ask(first.url, 'CREATE TABLE kept AS SELECT 9 AS n');
      await first.stop();
      const second = await start(directory);
      expect(await ask(second.url, 'SELECT n FROM kept')).toEqual([{ n: 9 }]);
      await second.stop();
      rmSync(join(directory, 'LOCATION'));
      const third = await start(directory);
      expect(third.directory).not.toBe(first.directory);
      expect(existsSync(join(first.directory, 'data'))).toBe(true);
    },
    limitMs,
  );
});
