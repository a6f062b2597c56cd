// One PostgreSQL for the whole run, in a directory that goes with it. A server left by a killed run stays in its own directory.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '../../../tools/hook.mjs';

export default async function globalSetup() {
  if (process.env.TSUNAGU_TEST_POSTGRES_URL) return;
  const { startPostgres } = await import('../src/embedded-postgres.ts');
  const dataDirectory = mkdtempSync(join(tmpdir(), 'tsunagu-test-'));
  chmodSync(dataDirectory, 0o755);
  const postgres = await startPostgres({ dataDirectory, settings: { max_connections: '300' } });
  process.env.TSUNAGU_TEST_POSTGRES_URL = postgres.url;
  globalThis.testPostgres = { postgres, dataDirectory };
}
