import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, type WriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Values of one bucket are held together: some 100 MB at most up to ten million values, and in proportion beyond. */
const VALUES_A_BUCKET = 40_000;
/** Each is an open file. */
const BUCKETS_MAX = 256;
const WAIT_EVERY = 2_000;

/**
 * Puts values aside on the disk by a key, so that all with one key come back together, in the order in which they were
 * put, with the rest of memory free: a check that needs all of one subject at a time holds a bucket, never the log.
 */
export class Spill<T> {
  readonly directory = mkdtempSync(join(tmpdir(), 'tsunagu-verify-'));
  private readonly files: WriteStream[];
  private failure: Error | undefined;
  private waiting = 0;

  /** `expected`: about how many values there will be. */
  constructor(expected: number) {
    const count = Math.max(1, Math.min(BUCKETS_MAX, Math.ceil(expected / VALUES_A_BUCKET)));
    this.files = Array.from({ length: count }, (_, index) =>
      createWriteStream(join(this.directory, String(index))).on('error', (error) => {
        this.failure = error;
      }),
    );
  }

  /** How many buckets there are. */
  get size(): number {
    return this.files.length;
  }

  put(key: string, value: T): void {
    this.waiting += 1;
    this.files[hashOf(key) % this.files.length]?.write(`${JSON.stringify(value)}\n`);
  }

  /** To be awaited now and then while putting: lets the disk keep up. */
  async settle(): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.waiting < WAIT_EVERY) return;
    this.waiting = 0;
    await Promise.all(this.files.filter((file) => file.writableNeedDrain).map((file) => once(file, 'drain')));
  }

  /** Every bucket, one after another. Nothing can be put any more. */
  async *buckets(): AsyncGenerator<readonly T[]> {
    await Promise.all(this.files.map((file) => once(file.end(), 'finish')));
    if (this.failure) throw this.failure;
    for (const { path } of this.files) {
      const values: T[] = [];
      for await (const line of createInterface({ input: createReadStream(path) })) values.push(JSON.parse(line));
      yield values;
    }
  }

  /** Removes the files. */
  close(): void {
    for (const file of this.files) file.destroy();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** FNV-1a, 32 bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
