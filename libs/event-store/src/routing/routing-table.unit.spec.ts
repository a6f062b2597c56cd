import { derivedId, newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { logOfKey, logsOf, oneLog, type RoutingTable } from './routing-table.js';

const hourMs = 3_600_000;
const beginMs = Date.parse('2026-11-20T00:00:00.000Z');
const timeMs = fc.integer({ min: beginMs, max: beginMs + 1_000 * hourMs });
const someLogs = fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 8 });

function add(table: RoutingTable, afterMs: number, logs: readonly number[]): RoutingTable {
  return [...table, { version: table.length, validFromMs: afterMs, logs }];
}

it('leaves every key in its log for ever, however many entries are added after it was made', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(timeMs, someLogs), { maxLength: 8 }), fc.array(timeMs), (steps, times) => {
      const entries = steps.toSorted(([a], [b]) => a - b);
      let table = oneLog;
      const before = new Map<string, number>();
      for (const [validFromMs, logs] of entries) {
        for (const time of times.filter((ms) => ms < validFromMs)) {
          const key = newId(time);
          before.set(key, logOfKey(table, key));
        }
        table = add(table, validFromMs, logs);
        for (const [key, log] of before) expect(logOfKey(table, key)).toBe(log);
        expect(logs).toContain(logOfKey(table, newId(validFromMs)));
      }
    }),
  );
});

it('gives each log of an entry its share', () => {
  const table = add(oneLog, beginMs, [0, 1, 2, 3]);
  const counts = [0, 0, 0, 0];
  for (let n = 0; n < 40_000; n += 1) {
    const log = logOfKey(table, newId(beginMs + n));
    counts[log] = (counts[log] ?? 0) + 1;
  }
  // Four standard deviations of a fair share of 10,000.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(350);
});

it('puts what carries no time of its own in log 0', () => {
  const table = add(oneLog, beginMs, [1, 2]);
  const derived = derivedId('anything', newId(beginMs + 5));
  for (const key of ['', 'somebody', derived, `${newId(beginMs)} `]) expect(logOfKey(table, key)).toBe(0);
});

it('knows every log that a key may lie in', () => {
  expect(logsOf(add(add(oneLog, beginMs, [3, 1]), beginMs + hourMs, [1, 5]))).toEqual([0, 1, 3, 5]);
});
