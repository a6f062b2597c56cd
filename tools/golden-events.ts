import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { publishedEvents, publishedUpcasts, schemaErrors } from '@tsunagu/contracts';
import { EventVersions, type UpcastSteps, type UpcastTable, type VersionedEvent } from '@tsunagu/kernel';

/**
 * Golden files: of every version in which an event was ever recorded, one event as it was recorded. They never change,
 * and every release must read them all. Their hashes stand in a list of their own, so that no single edit goes unseen.
 */
export interface GoldenEvent {
  readonly recorded: VersionedEvent;
  /** By older version: what the data of its golden event becomes in this version. Absent in version 1. */
  readonly fromOlder?: Readonly<Record<string, unknown>>;
}

export interface EventKind {
  readonly type: string;
  readonly steps: UpcastSteps;
  /** Where its golden files lie, below the root. */
  readonly directory: string;
  readonly published: boolean;
}

/** Of `sha256sum`: `sha256sum --check tools/golden-events.sha256` reads it too. */
export const hashList = 'tools/golden-events.sha256';
export const goldenFiles = '{libs,services}/*/golden/*';

/** Every event that any service records: the published ones, and each service's own. */
export function eventKinds(
  services: readonly { readonly name: string; readonly upcasts?: UpcastTable }[],
): readonly EventKind[] {
  const published = publishedEvents.map(({ type }) => ({
    type,
    steps: publishedUpcasts[type] ?? [],
    directory: 'libs/contracts/golden',
    published: true,
  }));
  const own = services.flatMap(({ name, upcasts = {} }) =>
    Object.entries(upcasts).map(([type, steps]) => {
      return { type, steps, directory: `services/${name}/golden`, published: false };
    }),
  );
  return [...published, ...own];
}

export function pathOf(kind: EventKind, version: number): string {
  return `${kind.directory}/${kind.type}.v${version}.json`;
}

/** The data of a golden event in a later version, by the upcasters. */
export function upcastTo(kind: EventKind, version: number, golden: GoldenEvent): unknown {
  return new EventVersions({ [kind.type]: kind.steps.slice(0, version - 1) }).upcast(golden.recorded).data;
}

/** What is wrong with the golden files below `root`: missing, stray, changed, or read as something else than before. */
export function goldenFindings(root: string, kinds: readonly EventKind[]): readonly string[] {
  const findings: string[] = [];
  const expected = new Set<string>();
  for (const kind of kinds) {
    const goldens: (GoldenEvent | undefined)[] = [];
    for (let version = 1; version <= kind.steps.length + 1; version += 1) {
      const path = pathOf(kind, version);
      expected.add(path);
      const golden = existsSync(resolve(root, path)) ? readGolden(root, path) : undefined;
      if (golden) findings.push(...eventFindings(path, kind, version, golden, goldens));
      else findings.push(`${path}: there is no golden file of ${kind.type} in version ${version}; see npm run golden`);
      goldens.push(golden);
    }
  }
  const present = globSync(goldenFiles, { cwd: root });
  for (const path of present) if (!expected.has(path)) findings.push(`${path}: no event has this version`);
  return [...findings, ...hashFindings(root, present)];
}

function eventFindings(
  path: string,
  kind: EventKind,
  version: number,
  { recorded, fromOlder = {} }: GoldenEvent,
  older: readonly (GoldenEvent | undefined)[],
): readonly string[] {
  const findings: string[] = [];
  if (recorded.type !== kind.type || recorded.schemaVersion !== version) {
    findings.push(`${path}: holds ${recorded.type} in version ${recorded.schemaVersion}`);
  }
  if (kind.published) {
    for (const error of schemaErrors(kind.type, version, recorded.data)) findings.push(`${path}: ${error}`);
  }
  older.forEach((golden, index) => {
    if (!golden) return;
    const became = upcastTo(kind, version, golden);
    if (!isDeepStrictEqual(became, fromOlder[index + 1])) {
      findings.push(
        `${path}: the event recorded in version ${index + 1} becomes ${JSON.stringify(became)}, not what it did before`,
      );
    }
  });
  return findings;
}

function hashFindings(root: string, present: readonly string[]): readonly string[] {
  const listed = readHashes(root);
  const findings = present.flatMap((path) => {
    if (!listed.has(path)) return [`${path}: not listed in ${hashList}; see npm run golden`];
    return listed.get(path) === hashOf(root, path) ? [] : [`${path}: has changed; what was recorded never does`];
  });
  const there = new Set(present);
  for (const path of listed.keys()) if (!there.has(path)) findings.push(`${path}: listed in ${hashList}, and gone`);
  return findings;
}

export function readGolden(root: string, path: string): GoldenEvent {
  return JSON.parse(readFileSync(resolve(root, path), 'utf8')) as GoldenEvent;
}

/** Hashes by path. */
export function readHashes(root: string): Map<string, string> {
  const path = resolve(root, hashList);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

export function hashOf(root: string, path: string): string {
  return createHash('sha256')
    .update(readFileSync(resolve(root, path)))
    .digest('hex');
}
