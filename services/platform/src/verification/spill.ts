import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../user-error.js';

/** Twenty million events are 40,000 a bucket: some tens of megabytes once they are read. */
const BUCKETS = 512;
/** Of each bucket, gathered before it is written: 32 MiB in all. */
const SEGMENT_BYTES = 65_536;
/** Of one character in UTF-8, as UTF-16 counts them. */
const CHARACTER_BYTES_MAX = 3;

interface Bucket {
  /** JSON records with a comma after each, not yet written. */
  readonly buffer: Buffer;
  used: number;
  /** Offset and length of each written piece. A record never lies in two. */
  readonly segments: number[];
  records: number;
}

/**
 * JSON records put aside by a key, to be read again one bucket at a time: what has one key comes back together, in the order
 * in which it was put there. They lie in one temporary file without a name, which the system frees when the process ends,
 * however it ends; nobody else can open it. A full disk is a UserError.
 */
export class Spill<Record> {
  private readonly buckets: (Bucket | undefined)[];
  private length = 0;

  constructor(
    private readonly file: number,
    readonly bucketCount = BUCKETS,
  ) {
    this.buckets = Array.from({ length: bucketCount });
  }

  static open<Record>(bucketCount = BUCKETS): Spill<Record> {
    const name = join(tmpdir(), `tsunagu-verify-${randomUUID()}`);
    const file = onDisk(() => openSync(name, 'wx+', 0o600));
    unlinkSync(name);
    return new Spill(file, bucketCount);
  }

  bucketOf(key: string): number {
    // FNV-1a: fast, and even over ids.
    let hash = 0x811c9dc5;
    for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    return (hash >>> 0) % this.bucketCount;
  }

  add(bucket: number, record: Record): void {
    const text = `${JSON.stringify(record)},`;
    const bytesMax = text.length * CHARACTER_BYTES_MAX;
    const into = this.bucket(bucket);
    into.records += 1;
    if (into.used + bytesMax > SEGMENT_BYTES) this.flush(into);
    if (bytesMax > SEGMENT_BYTES) this.write(into, Buffer.from(text));
    else into.used += into.buffer.write(text, into.used);
  }

  /** All records put aside so far, of a bucket or in all. */
  count(bucket?: number): number {
    if (bucket !== undefined) return this.buckets[bucket]?.records ?? 0;
    return this.buckets.reduce((sum, each) => sum + (each?.records ?? 0), 0);
  }

  *records(bucket: number): Generator<Record> {
    const from = this.buckets[bucket];
    if (!from) return;
    this.flush(from);
    let read = 0;
    for (let at = 0; at < from.segments.length; at += 2) {
      const records = this.segment(from.segments[at] ?? 0, from.segments[at + 1] ?? 0);
      read += records.length;
      yield* records;
    }
    if (read !== from.records) throw new Error(`${read} of ${from.records} records of a temporary file came back`);
  }

  close(): void {
    closeSync(this.file);
  }

  private bucket(number: number): Bucket {
    const known = this.buckets[number];
    if (known) return known;
    const fresh = { buffer: Buffer.allocUnsafeSlow(SEGMENT_BYTES), used: 0, segments: [], records: 0 };
    this.buckets[number] = fresh;
    return fresh;
  }

  private flush(bucket: Bucket): void {
    if (bucket.used > 0) this.write(bucket, bucket.buffer.subarray(0, bucket.used));
    bucket.used = 0;
  }

  private write(bucket: Bucket, bytes: Buffer): void {
    let written = 0;
    while (written < bytes.length) {
      const [from, to] = [written, this.length + written];
      written += onDisk(() => writeSync(this.file, bytes, from, bytes.length - from, to));
    }
    bucket.segments.push(this.length, bytes.length);
    this.length += bytes.length;
  }

  private segment(offset: number, length: number): Record[] {
    const bytes = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const count = readSync(this.file, bytes, read, length - read, offset + read);
      if (count === 0) throw new Error('a temporary file ends before what was written to it');
      read += count;
    }
    return JSON.parse(`[${bytes.toString('utf8', 0, length - 1)}]`);
  }
}

const full = new Set(['ENOSPC', 'EDQUOT']);

function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!full.has(code)) throw error;
    throw new UserError(
      `The temporary directory ${tmpdir()} is full (${code}): verify puts events aside there, about half the size of the logs. TMPDIR names another directory.`,
    );
  }
}
