import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { alternate, type BenchRow, rate, type Spread } from '@tsunagu/event-store/bench';
import { auditLog, exportLog, readExport } from '../src/index.js';
import { openTreePlace, type TreePlace } from './place.js';

const EVENTS = 50_000;
const RUNS = 3;

/** The tree's part of the speed table: keeping it beside reading its rows, auditing an export beside unpacking it. */
export async function treeRows(url: string, events = EVENTS): Promise<BenchRow[]> {
  const place = await openTreePlace(url, events);
  const directory = await mkdtemp(join(tmpdir(), 'tsunagu-tree-'));
  const file = join(directory, 'export.jsonl.gz');
  try {
    const [readRate, treeRate] = await alternate(
      [() => rate(events, () => readRows(place)), () => rate(events, () => growTree(place))],
      RUNS,
    );
    await growTree(place);
    await writeExport(place, file);
    const [unpackRate, auditRate] = await alternate(
      [() => rate(events, () => unpack(file)), () => rate(events, () => audit(place, file))],
      RUNS,
    );
    return [
      row('Merkle tree over a log', treeRate, 'the same rows read by the driver', readRate, 0.2, 0.4),
      row('audit of an export', auditRate, 'the same file unpacked into lines', unpackRate, 0.1, 0.2),
    ];
  } finally {
    await place.close();
    await rm(directory, { recursive: true });
  }
}

export async function readRows({ log }: TreePlace): Promise<void> {
  for (let after = 0; ; ) {
    const rows = await log.readRows({ after, limit: 2_000 });
    if (rows.length === 0) return;
    after += rows.length;
  }
}

export async function growTree(place: TreePlace): Promise<void> {
  await place.emptyTree();
  await place.keeper().catchUp();
}

export async function writeExport({ pool }: TreePlace, file: string): Promise<void> {
  const source = { service: 'bench', log: 0, events: pool, tree: pool, exportedAt: new Date().toISOString() };
  await pipeline(Readable.from(exportLog(source)), createGzip({ level: 4 }), createWriteStream(file));
}

export async function audit({ verifiers }: TreePlace, file: string): Promise<void> {
  const { findings } = await auditLog(readExport(file), { verifiers });
  if (findings.length > 0) throw new Error(findings[0]?.detail);
}

async function unpack(file: string): Promise<number> {
  let lines = 0;
  const unpacked = createReadStream(file).pipe(createGunzip());
  unpacked.setEncoding('utf8');
  for await (const chunk of unpacked) lines += String(chunk).split('\n').length;
  return lines;
}

function row(
  name: string,
  measured: Spread | undefined,
  against: string,
  limit: Spread | undefined,
  bar: number,
  aim: number,
): BenchRow {
  if (!measured || !limit) throw new Error(`${name} was not measured`);
  return { name, unit: 'events/s', measured, against, limit, ratio: measured.median / limit.median, bar, aim };
}
