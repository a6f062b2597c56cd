import { RoutedLogs } from '../src/index.js';
import { logOfKey } from '../src/routing/routing-table.js';
import { fixedRoutes } from '../src/routing/stored-routes.js';
import { alternate, type BenchRow, rate } from './measure.js';
import { type BenchPlace, grants, inParallel, openBenchPlace } from './subjects.js';

/** Calls in flight for each log: as the workers of each log's partitions would have. */
const CALLERS = 64;
const SINGLES = 6_000;
const RUNS = 3;

/**
 * The same appends through one log and through several, each on a server of its own: singles with so many calls in flight a
 * log. With the same number in flight in all, group commit brings one log much nearer: that is printed beside it.
 */
export async function logRows(urls: readonly string[]): Promise<BenchRow[]> {
  const places: BenchPlace[] = [];
  for (const [log, url] of urls.entries()) places.push(await openBenchPlace(url, log));
  try {
    const [several, one, oneWithAll] = await alternate(
      [
        () => appendSingles(places, CALLERS * places.length),
        () => appendSingles(places.slice(0, 1), CALLERS),
        () => appendSingles(places.slice(0, 1), CALLERS * places.length),
      ],
      RUNS,
    );
    if (!several || !one || !oneWithAll) throw new Error('logs were not measured');
    const name = `${urls.length} logs in ${urls.length} databases, fsync 4 ms slower, ${CALLERS} single appends in flight a log`;
    const row = { name, unit: 'events/s', measured: several, bar: 2.5, aim: 2.5 };
    console.log(
      `one log with ${CALLERS * urls.length} in flight: ${Math.round(oneWithAll.median)} events/s; ` +
        `${urls.length} logs with the same: ${(several.median / oneWithAll.median).toFixed(2)} times that`,
    );
    return [{ ...row, against: 'one log, the same', limit: one, ratio: several.median / one.median }];
  } finally {
    for (const place of places) await place.close();
  }
}

/** The tables are left to grow, by a few thousand rows a run: to empty them on such a disk takes longer than the run. */
async function appendSingles(places: readonly BenchPlace[], callers: number): Promise<number> {
  const table = [{ version: 1, validFromMs: 0, logs: places.map((_, log) => log) }];
  const store = new RoutedLogs({
    logs: places.map(({ log }) => log),
    routes: fixedRoutes(table),
    placeOf: (stream) => ({ key: stream.slice('account-'.length) }),
  });
  const requests = grants(SINGLES * places.length);
  // Each log's callers wait for that log alone, as a worker for its own partitions does.
  const shares = places.map((_, log) =>
    requests.filter(({ writes }) => logOfKey(table, writes[0]?.stream.slice('account-'.length) ?? '') === log),
  );
  const share = callers / places.length;
  return rate(requests.length, () =>
    Promise.all(shares.map((list) => inParallel(share, list, (request) => store.append([request])))),
  );
}
