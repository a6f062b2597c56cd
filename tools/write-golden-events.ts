// npm run golden: writes the golden files that are missing and lists their hashes; what is there is never touched.
// Published events come from their examples; data of a service's own event is given: npm run golden TYPE '{ … }'.
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { publishedEvent } from '@tsunagu/contracts';
import { idFromScope } from '@tsunagu/kernel';
import { definitions } from '../services/platform/src/services.js';
import {
  type EventKind,
  eventKinds,
  goldenFiles,
  goldenFindings,
  hashList,
  hashOf,
  pathOf,
  readGolden,
  readHashes,
  upcastTo,
} from './golden-events.js';

const root = resolve(import.meta.dirname, '..');
const [givenType, givenData] = process.argv.slice(2);
const kinds = eventKinds(definitions);

for (const kind of kinds) {
  const version = kind.steps.length + 1;
  const path = pathOf(kind, version);
  const data = kind.type === givenType ? JSON.parse(givenData ?? '') : publishedEvent(kind.type)?.example;
  if (existsSync(resolve(root, path)) || data === undefined) continue;
  mkdirSync(resolve(root, kind.directory), { recursive: true });
  writeFileSync(resolve(root, path), `${JSON.stringify(golden(kind, version, data), null, 2)}\n`);
  console.log(`wrote ${path}`);
}

const hashes = readHashes(root);
for (const path of globSync(goldenFiles, { cwd: root })) {
  if (!hashes.has(path)) hashes.set(path, hashOf(root, path));
}
const lines = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, hash]) => `${hash}  ${path}\n`);
writeFileSync(resolve(root, hashList), lines.join(''));

const findings = goldenFindings(root, kinds);
for (const finding of findings) console.error(finding);
process.exitCode = findings.length > 0 ? 1 : 0;

/** An event as a log holds it, made up around its data. */
function golden(kind: EventKind, version: number, data: unknown) {
  const id = idFromScope(`golden ${kind.type} ${version}`);
  const older = Array.from({ length: version - 1 }, (_, index) => index + 1);
  const fromOlder = older.map((n) => [n, upcastTo(kind, version, readGolden(root, pathOf(kind, n)))]);
  return {
    recorded: {
      type: kind.type,
      schemaVersion: version,
      log: 0,
      position: 1,
      stream: `golden-${id}`,
      revision: 0,
      id,
      requestId: id,
      effectiveAt: '2026-11-20T01:00:00.000Z',
      recordedAt: '2026-11-20T01:00:00.010Z',
      correlationId: id,
      causationId: null,
      actor: 'service:golden',
      ownerId: null,
      data,
    },
    ...(older.length > 0 ? { fromOlder: Object.fromEntries(fromOlder) } : {}),
  };
}
