import { createPublicKey } from 'node:crypto';
import { createWriteStream, existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { isoTime } from '@tsunagu/kernel';
import { publicKeys } from '@tsunagu/service-host';
import {
  exportLog,
  type NoteVerifier,
  parseVerifier,
  readCheckpoint,
  TreeStore,
  verifierText,
} from '@tsunagu/transparency';
import type { Pool } from 'pg';
import { Progress } from '../progress.js';
import { UserError } from '../settings.js';
import type { Store } from '../verification/stores.js';

const SUFFIX = '.jsonl.gz';
/** Half the time of the default level for a tenth more bytes. */
const GZIP_LEVEL = 4;

/** One log of a service, with where its events and its tree lie. */
export interface StoredLog {
  readonly service: string;
  readonly log: number;
  readonly events: Pool;
  readonly tree: Pool;
}

/** The trees of all logs lie in the service's own database, the events of each where that log lies. */
export function logsOf({ definition, pool, logPools }: Store): readonly StoredLog[] {
  return logPools.map((events, log) => ({ service: definition.name, log, events, tree: pool }));
}

/** Writes one log's export into the directory, whole or not at all; gives the path. */
export async function writeExport(stored: StoredLog, directory: string, nowMs: number): Promise<string> {
  const { service, log } = stored;
  const file = join(directory, `${service}-${log}${SUFFIX}`);
  await mkdir(directory, { recursive: true });
  const progress = new Progress(`exporting ${service}/${log}`);
  const source = {
    ...stored,
    exportedAt: isoTime(nowMs),
    progress: (done: number, of: number) => progress.at(done, of),
  };
  const unfinished = `${file}.part`;
  try {
    await pipeline(Readable.from(exportLog(source)), createGzip({ level: GZIP_LEVEL }), createWriteStream(unfinished));
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
  return file;
}

/** The export files that the arguments name: files, and directories of them. Throws UserError where there is none. */
export function exportFiles(paths: readonly string[]): readonly string[] {
  if (paths.length === 0)
    throw new UserError('Name the export: a file, or the directory that npx tsunagu export wrote.');
  return paths.flatMap((path) => {
    if (!existsSync(path)) throw new UserError(`There is no ${path}.`);
    if (!statSync(path).isDirectory()) return [path];
    const files = globSync(`*${SUFFIX}`, { cwd: path }).sort();
    if (files.length === 0) throw new UserError(`There is no export (*${SUFFIX}) in ${path}.`);
    return files.map((file) => join(path, file));
  });
}

/** Public keys, one C2SP verifier key a line; lines that begin with # are passed over. */
export function readVerifiers(file: string | undefined): readonly NoteVerifier[] {
  if (file === undefined)
    throw new UserError('--keys FILE is needed: the public keys, as the operator published them.');
  const lines = readText(file)
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new UserError(`There is no key in ${file}.`);
  return lines.map((line) => {
    const verifier = parseVerifier(line);
    if (!verifier) throw new UserError(`${basename(file)} holds a line that is no public key: ${line.slice(0, 60)}`);
    return verifier;
  });
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** The public keys under which the logs' heads are signed, as C2SP verifier keys. */
export async function verifierLines(logs: readonly StoredLog[], keyDirectory: string): Promise<readonly string[]> {
  const keys = await publicKeys(keyDirectory);
  const lines = await Promise.all(
    logs.map(async ({ service, log, tree }) => {
      const head = await new TreeStore(tree, log).lastHead();
      const origin = head && readCheckpoint(head.note)?.origin;
      if (origin === undefined) return [];
      return keys
        .filter(({ kid }) => kid?.replace(/-\d+$/, '') === `log-${service}`)
        .map((jwk) => verifierText(origin, createPublicKey({ key: jwk as never, format: 'jwk' })));
    }),
  );
  return lines.flat();
}
