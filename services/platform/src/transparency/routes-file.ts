import { readdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type CopiedEntry, copyRoutes, type RouteCopy, restoreRoutes } from '@tsunagu/event-store';
import { UserError } from '../settings.js';
import type { Store } from '../verification/stores.js';
import { readText } from './exports.js';

/** `point-ledger-routes.json`: which of its logs each account lies in. Not signed: every event is held against it. */
const SUFFIX = '-routes.json';

export const isRoutesFile = (path: string) => path.endsWith(SUFFIX);

/** Written after the service's logs; gives the path, or undefined for a service whose log was never more than one. */
export async function writeRoutes({ definition, pool }: Store, directory: string): Promise<string | undefined> {
  if (!definition.placeOf) return undefined;
  const copy = await copyRoutes(pool);
  if (copy.entries.length === 0) return undefined;
  const file = join(directory, `${definition.name}${SUFFIX}`);
  await writeFile(file, `${JSON.stringify(copy, null, 2)}\n`);
  return file;
}

/** The routing tables that the arguments name, by service: files, and directories that hold one. */
export function readRouteFiles(paths: readonly string[]): ReadonlyMap<string, RouteCopy> {
  const files = paths.flatMap((path) =>
    statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path],
  );
  const routes = files.filter(isRoutesFile);
  return new Map(routes.map((file) => [basename(file).slice(0, -SUFFIX.length), parsed(file)]));
}

/** Puts the table in place; the same again is fine. Throws UserError for another one, and for logs that the platform lacks. */
export async function restoreRouteFile({ definition, pool, logPools }: Store, copy: RouteCopy): Promise<void> {
  const missing = copy.entries.flatMap(({ logs }) => logs).find((log) => logPools[log] === undefined);
  if (missing !== undefined)
    throw new UserError(`The routing table of ${definition.name} names log ${missing}: LEDGER_LOGS must name it.`);
  const before = await copyRoutes(pool);
  if (before.entries.length === 0) return restoreRoutes(pool, copy);
  if (JSON.stringify(before.entries) !== JSON.stringify(copy.entries))
    throw new UserError(`This platform's ${definition.name} has another routing table already.`);
}

function parsed(file: string): RouteCopy {
  try {
    const copy = JSON.parse(readText(file)) as RouteCopy;
    if (isTime(copy.horizon) && Array.isArray(copy.entries) && copy.entries.every(isEntry)) return copy;
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  throw new UserError(`${file} is no routing table that npx tsunagu export wrote.`);
}

function isEntry(entry: CopiedEntry): boolean {
  const { version, validFrom, logs, proposedAt, proposedBy, confirmedAt } = entry;
  return (
    Number.isInteger(version) &&
    isTime(validFrom) &&
    Array.isArray(logs) &&
    logs.every(Number.isInteger) &&
    isTime(proposedAt) &&
    typeof proposedBy === 'string' &&
    (confirmedAt === null || isTime(confirmedAt))
  );
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
