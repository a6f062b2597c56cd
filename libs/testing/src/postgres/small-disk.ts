import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Room for PostgreSQL's files after initdb (some 40 MB), its WAL and a platform's tables. */
const MEGABYTES = 192;
const CHUNK_BYTES = 1_048_576;
const librarySource = fileURLToPath(new URL('./full-disk.c', import.meta.url));

/** A place for PostgreSQL's files that a spec fills to its last block, and gives space again. */
export interface SmallDisk {
  /** What makes it full: a file system of its own (as root), or a library that is preloaded into the server (anyone with a C compiler). */
  readonly means: SmallDiskMeans;
  /** Enterable by all. */
  readonly directory: string;
  /** What a server on it, or the process that starts one, must find in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** From now on no file on it grows. */
  fill(): void;
  free(): void;
  remove(): void;
}

export type SmallDiskMeans = 'tmpfs' | 'library';

const makers = { tmpfs: onTmpfs, library: withLibrary } as const;
const allMeans = Object.keys(makers) as SmallDiskMeans[];

/**
 * The means that work on this machine, the real one first, or why there is none. In CI there must be one: a suite that cannot
 * run fails.
 */
export function smallDiskMeans(): { readonly means: readonly SmallDiskMeans[]; readonly leftOut?: string } {
  const failures: string[] = [];
  const means = allMeans.filter((one) => {
    try {
      smallDisk(one).remove();
      return true;
    } catch (error) {
      failures.push((error as Error).message);
      return false;
    }
  });
  if (means.length > 0 || process.env.CI) return { means: means.length > 0 ? means : allMeans };
  return { means, leftOut: failures.join('; ') };
}

/** Makes one. Throws with one sentence where the means do not work here. */
export function smallDisk(means: SmallDiskMeans): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-small-disk-'));
  try {
    chmodSync(directory, 0o755);
    return makers[means](directory);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    const [line] = (error as Error).message.split('\n');
    throw new Error(`no disk can be made full by ${means}: ${line}`, { cause: error });
  }
}

/** The real thing, where this process may mount. */
function onTmpfs(directory: string): SmallDisk {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('only root mounts');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m,mode=0755`, 'tmpfs', directory], { stdio: 'pipe' });
  const ballast = join(directory, 'ballast');
  return {
    means: 'tmpfs',
    directory,
    environment: {},
    fill: () => writeUntilFull(ballast),
    free: () => rmSync(ballast, { force: true }),
    remove() {
      execFileSync('umount', [directory], { stdio: 'pipe' });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function writeUntilFull(file: string): void {
  const out = openSync(file, 'a');
  try {
    for (let bytes = CHUNK_BYTES; bytes >= 1; ) {
      try {
        writeSync(out, Buffer.alloc(bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        bytes >>= 1;
      }
    }
  } finally {
    closeSync(out);
  }
}

function withLibrary(directory: string): SmallDisk {
  if (process.platform !== 'linux') throw new Error('libraries are preloaded on Linux only');
  const library = join(directory, 'full-disk.so');
  const files = join(directory, 'files');
  const full = join(directory, 'full');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, librarySource, '-ldl'], { stdio: 'pipe' });
  mkdirSync(files, { mode: 0o755 });
  return {
    means: 'library',
    directory: files,
    environment: { LD_PRELOAD: library, TSUNAGU_FULL_DISK: files, TSUNAGU_FULL_DISK_SWITCH: full },
    fill: () => writeFileSync(full, ''),
    free: () => rmSync(full, { force: true }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
