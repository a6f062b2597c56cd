import { rmSync } from 'node:fs';

export default async function globalTeardown() {
  const running = globalThis.testPostgres;
  if (!running) return;
  await running.postgres.stop();
  rmSync(running.dataDirectory, { recursive: true, force: true });
  rmSync(running.postgres.directory, { recursive: true, force: true });
}
