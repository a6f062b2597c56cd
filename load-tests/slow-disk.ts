import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningPostgres, startPostgres } from '@tsunagu/testing';

const source = fileURLToPath(new URL('./slow-fsync.c', import.meta.url));

/**
 * PostgreSQL servers whose every fsync takes 4 ms more, each with a directory of its own. Undefined, with the reason on the
 * terminal, where there is no C compiler or no preloading (it is a Linux means).
 */
export async function startOnSlowDisks(count: number): Promise<{ urls: string[]; stop(): Promise<void> } | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-slow-disk-'));
  chmodSync(directory, 0o755); // for PostgreSQL's own user, where we are root
  const library = join(directory, 'slow-fsync.so');
  const servers: RunningPostgres[] = [];
  const stop = async () => {
    for (const server of servers) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    if (process.platform !== 'linux') throw new Error('libraries are preloaded on Linux only');
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl']);
  } catch (error) {
    console.log(`no bench on a slow disk: ${(error as Error).message.split('\n')[0]}`);
    await stop();
    return undefined;
  }
  for (let n = 0; n < count; n += 1) {
    const dataDirectory = join(directory, String(n));
    // Made at full speed, started again slowly: what is measured is not initdb.
    await (await startPostgres({ dataDirectory, port: 0 })).stop();
    servers.push(await withPreloaded(library, () => startPostgres({ dataDirectory, port: 0 })));
  }
  return { urls: servers.map(({ url }) => url), stop };
}

/** The server inherits the environment of the moment at which it is started. */
async function withPreloaded<T>(library: string, work: () => Promise<T>): Promise<T> {
  const before = process.env.LD_PRELOAD;
  process.env.LD_PRELOAD = library;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.LD_PRELOAD;
    else process.env.LD_PRELOAD = before;
  }
}
