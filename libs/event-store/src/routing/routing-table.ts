import { isId, timeOfId } from '@tsunagu/kernel';

/** From a moment on, the logs among which the keys made since then are spread. */
export interface RoutingEntry {
  /** 1, 2, … in the order proposed; 0 is what holds where nothing was ever recorded. */
  readonly version: number;
  readonly validFromMs: number;
  readonly logs: readonly number[];
}

/** The confirmed entries by rising validFrom; the first holds from the beginning of time. */
export type RoutingTable = readonly RoutingEntry[];

export const oneLog: RoutingTable = [{ version: 0, validFromMs: 0, logs: [0] }];

/**
 * The log of a key: by the entry in force at the time inside the key's own UUIDv7, so it depends neither on who asks nor
 * when, and stays when entries are added. A key that is no UUIDv7 carries no time of its own and lies in log 0.
 */
export function logOfKey(table: RoutingTable, key: string): number {
  const timeMs = timeOfKey(key);
  if (timeMs === undefined) return 0;
  const { logs } = entryAt(table, timeMs);
  // The last 32 bits of a UUIDv7 are random (RFC 9562 §5.7), so they spread the keys evenly.
  return logs.length === 1 ? (logs[0] ?? 0) : (logs[Number.parseInt(key.slice(28), 16) % logs.length] ?? 0);
}

/** The time inside a UUIDv7 in milliseconds; undefined for any other text. */
export function timeOfKey(key: string): number | undefined {
  return key.charAt(14) === '7' && isId(key) ? timeOfId(key) : undefined;
}

export function entryAt(table: RoutingTable, timeMs: number): RoutingEntry {
  const entry = table.findLast(({ validFromMs }) => validFromMs <= timeMs);
  if (!entry) throw new Error('a routing table begins at the beginning of time');
  return entry;
}

/** Every log that some key can lie in, in number order. */
export function logsOf(table: RoutingTable): readonly number[] {
  return [...new Set(table.flatMap(({ logs }) => logs))].sort((a, b) => a - b);
}
