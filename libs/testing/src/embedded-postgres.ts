import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { lockDirectory, stopLeftBehind } from './postgres/owner.js';
import { choosePlace, type PostgresPlace, PostgresStartError } from './postgres/place.js';

export { PostgresStartError } from './postgres/place.js';

export interface PostgresOptions {
  /** Wanted place; made where absent. */
  readonly dataDirectory: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** Server settings for this run, such as `{ max_connections: '300' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long to wait for an earlier owner of the directory that is still stopping. Default 15 s. */
  readonly waitForOwnerMs?: number;
  /** Added to the server's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
}

export interface RunningPostgres {
  /** Superuser, database `postgres`, with the password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Where the files really lie: elsewhere than wanted when the server's user cannot reach that (see `choosePlace`). */
  readonly directory: string;
  /** Rejects when the server ends by itself, for its owner cannot go on; stays pending after `stop`. */
  readonly ended: Promise<never>;
  /** Fast stop: open transactions are rolled back, everything committed is on disk. Usually some 30 ms. */
  stop(): Promise<void>;
}

const logBytesMax = 5_000_000;
/** Recovery after a crash may take this long; a dead server is noticed at once. */
const readyWithinMs = 120_000;
const stopWithinMs = 10_000;
/** With less than a page of its tables free, PostgreSQL cannot write. */
const diskFullBytes = 8_192;

/**
 * A real PostgreSQL 18 on loopback: made on the first start, found again on the next. A server left behind by a killed owner is
 * stopped first. Throws PostgresStartError with one sentence for a port in use, a full disk or a broken data directory.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  let unlock = () => {};
  try {
    const place = await choosePlace(options.dataDirectory);
    unlock = await lockDirectory(place.directory, options.waitForOwnerMs ?? 15_000);
    const data = join(place.directory, 'data');
    if (await stopLeftBehind(data, stopWithinMs))
      options.log?.('stopped a PostgreSQL that an earlier start left behind');
    const password = await initialised(place, data);
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort(options.port ?? 0);
      try {
        return await launch({ place, data, password, port, options, unlock });
      } catch (error) {
        // A free port may be taken by another program between the look and the start.
        if (options.port || attempt >= 5 || !(error as Error).message.includes('in use')) throw error;
      }
    }
  } catch (error) {
    unlock();
    throw asStartError(error, `PostgreSQL does not start in ${options.dataDirectory}`);
  }
}

/** Runs initdb into a directory that is renamed when complete: a start that was cut off leaves nothing half made. */
async function initialised(place: PostgresPlace, data: string): Promise<string> {
  const passwordFile = join(place.directory, 'password');
  if (existsSync(data)) {
    if (!existsSync(passwordFile) || !existsSync(join(data, 'PG_VERSION'))) {
      throw new PostgresStartError(
        `The data directory ${place.directory} is broken: its password or PG_VERSION file is missing.`,
      );
    }
    return readFileSync(passwordFile, 'utf8').trim();
  }
  const password = randomBytes(24).toString('hex');
  const half = `${data}.new`;
  const handedOver = join(place.directory, 'password.new');
  rmSync(half, { recursive: true, force: true });
  rmSync(handedOver, { force: true });
  try {
    if (place.user) chownSync(place.directory, place.user.uid, place.user.gid);
    writeFileSync(handedOver, password, { mode: 0o600 });
    if (place.user) chownSync(handedOver, place.user.uid, place.user.gid);
    await runInitdb(place, half, handedOver);
    rmSync(handedOver, { force: true });
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    renameSync(half, data);
    return password;
  } catch (error) {
    rmSync(handedOver, { force: true });
    rmSync(half, { recursive: true, force: true });
    throw asStartError(error, `PostgreSQL's data directory ${place.directory} cannot be made`);
  }
}

async function runInitdb(place: PostgresPlace, data: string, passwordFile: string): Promise<void> {
  const child = spawn(
    place.binaries.initdb,
    [
      ...['-D', data, '--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
      ...['--encoding=UTF8', '--locale=C.UTF-8', '--data-checksums', '--no-instructions'],
    ],
    { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], ...place.user },
  );
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(said);
}

async function launch({
  place,
  data,
  password,
  port,
  options,
  unlock,
}: {
  readonly place: PostgresPlace;
  readonly data: string;
  readonly password: string;
  readonly port: number;
  readonly options: PostgresOptions;
  readonly unlock: () => void;
}): Promise<RunningPostgres> {
  const logFile = join(place.directory, 'server.log');
  const logStart = rotated(logFile);
  const out = openSync(logFile, 'a', 0o600);
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    // Key values and statements in error messages could hold what people typed.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    ...options.settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(place.binaries.postgres, ['-D', data, ...flags], {
    cwd: '/',
    ...(options.environment ? { env: { ...process.env, ...options.environment } } : {}),
    // Its own process group: Ctrl-C reaches its owner only, which stops it last.
    detached: true,
    stdio: ['ignore', out, out],
    ...place.user,
  });
  closeSync(out);
  const gone = new Promise<Error>((resolve) => {
    child.once('error', resolve);
    child.once('exit', () => resolve(new Error(lastWords(place.directory, logFile, logStart))));
  });
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  try {
    await ready(url, gone, data);
  } catch (error) {
    await halt(child, gone);
    throw asStartError(error, `PostgreSQL does not start in ${place.directory}`, port);
  }
  let stopping: Promise<void> | undefined;
  const ended = gone.then((error) => {
    if (!stopping) throw asStartError(error, 'PostgreSQL ended by itself');
    return new Promise<never>(() => {});
  });
  ended.catch(() => {});
  return {
    url,
    port,
    pid: child.pid ?? 0,
    directory: place.directory,
    ended,
    stop() {
      stopping ??= halt(child, gone).finally(unlock);
      return stopping;
    },
  };
}

/** Waits until a connection works; no line of its log is waited for. */
async function ready(url: string, gone: Promise<Error>, data: string): Promise<void> {
  let ended: Error | undefined;
  void gone.then((error) => {
    ended = error;
  });
  const until = Date.now() + readyWithinMs;
  for (;;) {
    if (ended) throw ended;
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      if (rows[0]?.data_directory === data) return;
      throw new PostgresStartError('Another PostgreSQL answers at the port that this one was given.');
    } catch (error) {
      const code = (error as { code?: string }).code;
      // Nobody listens yet, it is slow, or it recovers after a crash (57P03). Any other answer is final.
      const isEarly = code === undefined || code === '57P03' || /^E[A-Z]/.test(code);
      if (error instanceof PostgresStartError || !isEarly || Date.now() > until) throw ended ?? error;
    } finally {
      await client.end().catch(() => {});
    }
    await Promise.race([gone, delay(10)]);
  }
}

/** SIGINT is PostgreSQL's fast stop; SIGQUIT its immediate one, from which the next start recovers. */
async function halt(child: ChildProcess, gone: Promise<Error>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const stopped = await Promise.race([gone.then(() => true), delay(stopWithinMs, false, { ref: false })]);
  if (!stopped) {
    child.kill('SIGQUIT');
    await gone;
  }
}

/** What it said before it ended. On a disk without space it could not even say that. */
function lastWords(directory: string, logFile: string, start: number): string {
  const said = existsSync(logFile) ? readFileSync(logFile).subarray(start).toString() : '';
  return isFull(directory) ? `${said}\nFATAL: No space left on device` : said;
}

function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < diskFullBytes;
  } catch {
    return false;
  }
}

function rotated(logFile: string): number {
  if (!existsSync(logFile)) return 0;
  const bytes = statSync(logFile).size;
  if (bytes < logBytesMax) return bytes;
  renameSync(logFile, `${logFile}.1`);
  return 0;
}

function asStartError(error: unknown, what: string, port?: number): PostgresStartError {
  if (error instanceof PostgresStartError) return error;
  const said = error instanceof Error ? error.message : String(error);
  if (/No space left on device|ENOSPC/.test(said)) {
    return new PostgresStartError(`${what}: the disk is full.`, { cause: error });
  }
  if (/Address already in use/.test(said)) {
    return new PostgresStartError(`${what}: port ${port} is in use.`, { cause: error });
  }
  const line = said.split('\n').find((text) => /FATAL|PANIC|error:/.test(text)) ?? said.trim().split('\n').at(-1) ?? '';
  const reason = line.replace(/^.*?(FATAL|PANIC|error):\s*/, '').replace(/\.$/, '');
  return new PostgresStartError(`${what}: ${reason || 'it ended without a word'}.`, { cause: error });
}

/** The port if nobody listens there; 0: any such port. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(isTaken ? new PostgresStartError(`PostgreSQL does not start: port ${wanted} is in use.`) : error);
    });
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
