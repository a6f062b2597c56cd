import fc from 'fast-check';
import type { AppendOutcome, AppendRequest } from '../contract.js';
import { event, type OpenPlace, placeForEach } from './place.js';

interface Line {
  readonly id: string;
  readonly stream: string;
}

/** The contract read naively: a list of lines, searched from the start each time. Undefined for an exception. */
function appendNaively(lines: Line[], request: AppendRequest): AppendOutcome | undefined {
  const wanted = request.writes.flatMap(({ stream, events }) => events.map(({ id }) => ({ id, stream })));
  const found = wanted.map(({ id }) => lines.findIndex((line) => line.id === id));
  const strangers = wanted.filter(({ stream }, n) => found[n] !== -1 && lines[found[n] ?? -1]?.stream !== stream);
  if (strangers.length > 0) return undefined;
  const positions = found.map((index) => index + 1);
  const recordedIds = wanted.filter((_, n) => found[n] !== -1).map(({ id }) => id);
  const inOrder = wanted.every(({ stream }, n) =>
    wanted.every((other, m) => m <= n || other.stream !== stream || (positions[m] ?? 0) > (positions[n] ?? 0)),
  );
  if (recordedIds.length === wanted.length && inOrder) return { outcome: 'duplicate', positions };
  const revision = (stream: string) => lines.filter((line) => line.stream === stream).length - 1;
  const actualRevisions = Object.fromEntries(request.writes.map(({ stream }) => [stream, revision(stream)]));
  const expected = request.writes.every(
    (one) => revision(one.stream) === (one.expectedRevision === 'noStream' ? -1 : one.expectedRevision),
  );
  if (recordedIds.length > 0 || !expected) return { outcome: 'conflict', actualRevisions, recordedIds };
  const first = lines.length + 1;
  lines.push(...wanted);
  return { outcome: 'appended', positions: wanted.map((_, n) => first + n) };
}

const streams = ['a-1', 'b-2', 'c-3'];
// Few ids and few revisions, so that retries, halves of retries and races are the rule.
const writeShape = fc.record({
  stream: fc.constantFrom(...streams),
  expected: fc.integer({ min: -1, max: 4 }),
  ids: fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 3 }),
});
const requestShape = fc
  .uniqueArray(writeShape, { minLength: 1, maxLength: 2, selector: ({ stream }) => stream })
  .filter((writes) => new Set(writes.flatMap(({ ids }) => ids)).size === writes.flatMap(({ ids }) => ids).length);
const programme = fc.array(fc.array(requestShape, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });

/** Random programmes of append calls, with retries, against the naive model. */
export function modelSuite(open: OpenPlace, numRuns: number): void {
  const place = placeForEach(open);

  it('does what a naive reading of the contract says', async () => {
    const { log } = place();
    let run = 0;
    const programmeHolds = async (calls: { stream: string; expected: number; ids: number[] }[][][]) => {
      run += 1;
      const before = await log.head();
      const eventIds = Array.from({ length: 12 }, () => event().id);
      const name = (stream: string) => `${stream}-${run}`;
      const lines: Line[] = Array.from({ length: before }, () => ({ id: '', stream: '' }));
      for (const call of calls) {
        const requests = call.map((writes) => ({
          writes: writes.map(({ stream, expected, ids }) => ({
            stream: name(stream),
            expectedRevision: expected === -1 ? ('noStream' as const) : expected,
            events: ids.map((n) => event({ id: eventIds[n] ?? '' })),
          })),
        }));
        const expected = requests.map((request) => appendNaively(lines, request));
        if (expected.includes(undefined)) {
          await expect(log.append(requests)).rejects.toMatchObject({ code: 'store.id_in_other_stream' });
        } else expect(await log.append(requests)).toEqual(expected);
      }
      const { events } = await log.readLog({ after: before, limit: 1_000 });
      expect(events.map(({ id, stream }) => ({ id, stream }))).toEqual(lines.slice(before));
      for (const [stream, recorded] of await log.readStreams(streams.map(name))) {
        expect(recorded.map(({ id }) => id)).toEqual(
          lines.filter((line) => line.stream === stream).map(({ id }) => id),
        );
        expect(recorded.map(({ revision }) => revision)).toEqual(recorded.map((_, index) => index));
      }
    };
    await fc.assert(fc.asyncProperty(programme, programmeHolds), { numRuns });
  });
}
