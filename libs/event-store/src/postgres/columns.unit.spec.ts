import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import type { NewEvent } from '../contract.js';
import { checkRequest } from '../requests.js';
import { event, startMs, write, writeAll } from '../suite/place.js';
import { joinedColumns } from './columns.js';

/** The arguments of `append_events` that are about events, in its order. */
const names = [
  'stream',
  'revision',
  'id',
  'requestId',
  'type',
  'schemaVersion',
  'effectiveAt',
  'correlationId',
  'causationId',
  'actor',
  'ownerId',
  'reads',
  'data',
] as const;

type Name = (typeof names)[number];
type Row = Readonly<Record<Name, string>>;

/** May be one line for all events: what the function in the database does with a list of one. */
const shared: ReadonlySet<Name> = new Set([
  'requestId',
  'type',
  'schemaVersion',
  'effectiveAt',
  'actor',
  'ownerId',
  'reads',
]);

/** As the function in the database takes the texts apart: a line an event, or one for all. */
function rowsOf(columns: readonly string[]): Row[] {
  const lines = columns.map((column) => column.split('\n'));
  const line = (name: Name, n: number, row: number) => lines[n]?.[shared.has(name) && lines[n].length === 1 ? 0 : row];
  return (lines[0] ?? []).map(
    (_, row) => Object.fromEntries(names.map((name, n) => [name, line(name, n, row)])) as Row,
  );
}

const joined = (...requests: Parameters<typeof checkRequest>[0][]) =>
  joinedColumns(requests.map((request) => checkRequest(request)));

it('says all of an event, and nothing where there is nothing', () => {
  const full = event({
    causationId: newId(startMs),
    ownerId: 'city-131016',
    schemaVersion: 3,
    reads: { 'other-1': 4 },
    data: { points: 5_000, text: 'つなぐ' },
  });
  const bare = event({ data: null });
  const requestId = newId(startMs);
  const columns = joined({ ...write('thing-1', 6, [full]), requestId }, write('thing-2', 'noStream', [bare]));
  expect(columns).toHaveLength(names.length);
  expect(rowsOf(columns)).toEqual([
    {
      stream: 'thing-1',
      revision: '7',
      id: full.id,
      requestId,
      type: 'Counted',
      schemaVersion: '3',
      effectiveAt: full.effectiveAt,
      correlationId: full.correlationId,
      causationId: full.causationId,
      actor: 'service:test',
      ownerId: 'city-131016',
      reads: '{"other-1":4}',
      data: '{"points":5000,"text":"つなぐ"}',
    },
    {
      stream: 'thing-2',
      revision: '0',
      id: bare.id,
      requestId: bare.id,
      type: 'Counted',
      schemaVersion: '1',
      effectiveAt: bare.effectiveAt,
      correlationId: bare.correlationId,
      causationId: '',
      actor: 'service:test',
      ownerId: '',
      reads: '',
      data: 'null',
    },
  ]);
});

it('numbers on from the expected revision in each stream, request after request in the order given', () => {
  const both = writeAll(write('thing-1', 'noStream', 3), write('thing-2', 41, 2));
  const columns = joined(both, write('thing-1', 2, 2));
  expect(rowsOf(columns).map(({ stream, revision }) => [stream, revision])).toEqual([
    ['thing-1', '0'],
    ['thing-1', '1'],
    ['thing-1', '2'],
    ['thing-2', '42'],
    ['thing-2', '43'],
    ['thing-1', '3'],
    ['thing-1', '4'],
  ]);
  const requestIds = rowsOf(columns).map(({ requestId }) => requestId);
  expect(new Set(requestIds.slice(0, 5)).size).toBe(1);
  expect(new Set(requestIds).size).toBe(2);
});

/** What a checked request may hold: texts without control characters, any JSON. */
const name = fc.constantFrom('A', ' ', 'NULL', '\\N', '\\n', '{},"', "E'\\n'", '\u2028\u{1F600}é');
const recordable: fc.Arbitrary<NewEvent> = fc
  .record({
    type: name,
    correlationId: name,
    actor: name,
    ownerId: fc.option(name),
    causationId: fc.option(fc.constant(newId(startMs))),
    data: fc.jsonValue().filter((value) => !JSON.stringify(value).includes('\\u0000')),
  })
  .map(event);

it('says what is the same for all events once, and what nobody has read not at all', () => {
  const at = '2026-11-05T00:00:00.000Z';
  const columns = joined(write('thing-1', 'noStream', [event({ effectiveAt: at }), event({ effectiveAt: at })]));
  const of = (name: Name) => columns[names.indexOf(name)];
  for (const name of shared) expect([name, of(name)?.split('\n').length]).toEqual([name, 1]);
  expect([of('type'), of('effectiveAt'), of('reads')]).toEqual(['Counted', at, '']);
  const read = [event({ reads: { a: 1 } }), event({ reads: { a: 1 } }), event()];
  expect(joined(write('thing-1', 'noStream', read))[names.indexOf('reads')]).toBe('{"a":1}\n{"a":1}\n');
});

it('gives every event a line in every column, or one to all, whatever its texts hold', () => {
  const list = fc.array(fc.tuple(name, fc.array(recordable, { minLength: 1, maxLength: 3 })), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(list, (given) => {
      const columns = joined(...given.map(([stream, events]) => write(stream, 'noStream', events)));
      const events = given.flatMap(([stream, written]) => written.map((one) => ({ stream, ...one })));
      for (const [n, column] of columns.entries()) {
        const { length } = column.split('\n');
        if (length !== events.length)
          expect([names[n], shared.has(names[n] as Name), length]).toEqual([names[n], true, 1]);
      }
      expect(
        rowsOf(columns).map(({ stream, type, actor, ownerId, causationId, data }) => ({
          stream,
          type,
          actor,
          ownerId: ownerId || null,
          causationId: causationId || null,
          data: JSON.parse(data),
        })),
      ).toEqual(
        events.map(({ stream, type, actor, ownerId, causationId, data }) => ({
          stream,
          type,
          actor,
          ownerId,
          causationId,
          data: JSON.parse(JSON.stringify(data)),
        })),
      );
    }),
  );
});
