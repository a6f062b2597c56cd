import { EventVersions, newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { type AppendRequest, type NewEvent, StoreError } from './contract.js';
import { type CheckedRequest, checkRequest } from './requests.js';
import { event, startMs, write, writeAll } from './suite/place.js';

const EVENTS_MAX = 10_000;
const REVISION_MAX = 2 ** 31 - 1;
const TEXT_MAX = 500;
const DATA_MAX = 1_000_000;

const one = (more: Partial<NewEvent>, stream = 'thing-1') => write(stream, 'noStream', [event(more)]);

/** The only event of a request, as it may be recorded. */
function onlyEvent(checked: CheckedRequest) {
  const [found] = checked.writes.flatMap(({ events }) => events);
  if (!found) throw new Error('it was checked');
  return found;
}

/** Why a request can never be recorded; undefined where it can. */
function refusal(request: AppendRequest, versions?: EventVersions): string | undefined {
  try {
    checkRequest(request, versions);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'store.invalid_request' });
    return (error as StoreError).message;
  }
}

describe('a request that may be recorded', () => {
  it('keeps its writes and events in the order given, and counts them', () => {
    const request = writeAll(write('thing-2', 4, 2), write('thing-1', 'noStream'));
    const checked = checkRequest(request);
    expect(checked.eventCount).toBe(3);
    expect(checked.writes.map(({ stream }) => stream)).toEqual(['thing-2', 'thing-1']);
    const ids = (writes: readonly { events: readonly unknown[] }[]) => writes.map(({ events }) => events.length);
    expect(ids(checked.writes)).toEqual([2, 1]);
    const events = checked.writes.flatMap((written) => written.events.map((found) => found.event));
    expect(events.map(({ id }) => id)).toEqual(request.writes.flatMap((given) => given.events.map(({ id }) => id)));
  });

  it('has the id of its first event where it is given none, so that a repetition has the same', () => {
    const request = writeAll(write('thing-2', 'noStream', 2), write('thing-1', 'noStream'));
    expect(checkRequest(request).requestId).toBe(request.writes[0]?.events[0]?.id);
    const requestId = newId(startMs);
    expect(checkRequest({ ...request, requestId }).requestId).toBe(requestId);
  });

  it('expects a stream that does not exist by either of two names', () => {
    const revision = (expected: 'noStream' | number) =>
      checkRequest(write('thing-1', expected)).writes.map(({ expectedRevision }) => expectedRevision);
    expect([revision('noStream'), revision(-1), revision(0), revision(7)]).toEqual([[-1], [-1], [0], [7]]);
  });

  it('holds its data and what it read as they were at the call, whatever becomes of the objects', () => {
    const data = { points: 5 };
    const reads = { 'other-1': 4 };
    const checked = onlyEvent(checkRequest(one({ data, reads })));
    data.points = 6;
    reads['other-1'] = 5;
    expect([JSON.parse(checked.data), JSON.parse(checked.reads)]).toEqual([{ points: 5 }, { 'other-1': 4 }]);
    expect(onlyEvent(checkRequest(one({}))).reads).toBe('');
  });

  it('goes up to its limits and not past them', () => {
    const stream = (length: number) => refusal(write('s'.repeat(length), 'noStream'));
    expect([stream(TEXT_MAX), stream(TEXT_MAX + 1)]).toEqual([undefined, `not a stream name: "${'s'.repeat(99)}`]);
    const events = (first: number, second: number) =>
      refusal(writeAll(write('thing-1', 'noStream', first), write('thing-2', 'noStream', second)));
    expect(events(EVENTS_MAX - 1, 1)).toBeUndefined();
    expect(events(EVENTS_MAX - 1, 2)).toBe('more than 10000 events in a request');
    const data = (length: number) => refusal(one({ data: 'd'.repeat(length - 2) }));
    expect([data(DATA_MAX), data(DATA_MAX + 1)]).toEqual([undefined, 'Counted: more than 1000000 characters of data']);
    const version = (schemaVersion: number) => refusal(one({ schemaVersion }));
    expect([version(REVISION_MAX), version(REVISION_MAX + 1)]).toEqual([undefined, 'Counted: not a schemaVersion']);
    const revision = (expected: number, count: number) => refusal(write('thing-1', expected, count));
    expect([revision(REVISION_MAX - 2, 2), revision(REVISION_MAX - 2, 3)]).toEqual([
      undefined,
      'thing-1 would be too long',
    ]);
  });

  it.each([
    '0001-01-01T00:00:00.000Z',
    '2024-02-29T23:59:59.999Z',
    '2026-12-31T23:59:59.999Z',
    '9999-12-31T23:59:59.999Z',
  ])('counts at any moment there is: %s', (effectiveAt) => {
    expect(refusal(one({ effectiveAt }))).toBeUndefined();
  });

  it.each(['type', 'correlationId', 'actor', 'ownerId'] as const)('has 500 characters of %s at most', (field) => {
    expect(refusal(one({ [field]: 't'.repeat(TEXT_MAX) }))).toBeUndefined();
    expect(refusal(one({ [field]: 't'.repeat(TEXT_MAX + 1) }))).toMatch(/: not an? |^not an event type$/);
  });

  it('may hold any text that a database can', () => {
    const texts = ['\\u0000', '\\\\ud800', 'a\tb\n', '\u{1F600}', '\u007f', '\u2028', '{},NULL', '\\N'];
    for (const text of texts) expect([text, refusal(one({ data: { [text]: text } }))]).toEqual([text, undefined]);
    for (const name of ['\u{1F600}', ' ', 'NULL', '\\N', '\\u0000']) {
      expect(refusal(one({ type: name, correlationId: name, actor: name, ownerId: name }, name))).toBeUndefined();
    }
  });
});

describe('a request that can never be recorded', () => {
  const [id, same] = [newId(startMs), event()];
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const notText = ['service:a'] as unknown as string;
  const bad: [what: string, request: AppendRequest, says: string][] = [
    ['writes nothing', { writes: [] }, 'the request writes nothing'],
    ['writes nothing to a stream', writeAll(write('thing-1', 0), write('thing-2', 0, 0)), 'writes nothing to thing-2'],
    ['names a stream twice', writeAll(write('thing-1', 0), write('thing-1', 1)), 'names a stream twice'],
    ['uses an id twice', write('thing-1', 0, [same, event(), same]), 'uses an event id twice'],
    ['uses an id in two streams', writeAll(write('a', 0, [same]), write('b', 0, [same])), 'uses an event id twice'],
    ['has an id of its own that is none', { ...write('thing-1', 0), requestId: 'x' }, 'requestId is not a UUID: x'],
    ['has no stream', write('', 0), 'not a stream name: ""'],
    ['has a stream of two lines', write('a\nb', 0), 'not a stream name: "a\\nb"'],
    ['has half a surrogate pair in its stream', write('a\ud800', 0), 'not a stream name: "a\\ud800"'],
    ['expects half a revision', write('thing-1', 0.5), 'not an expected revision of thing-1: 0.5'],
    ['expects a revision below none', write('thing-1', -2), 'not an expected revision of thing-1: -2'],
    ['expects a revision past the last', write('thing-1', REVISION_MAX + 1), 'not an expected revision of thing-1'],
    ['has an event without an id', one({ id: '' }), 'not an event id: '],
    ['has a cause that is no id', one({ causationId: 'claim-1' }), 'causationId is not a UUID'],
    ['has no type', one({ type: '' }), 'not an event type'],
    ['has a type of two lines', one({ type: 'a\nb' }), 'not an event type'],
    ['has no correlation', one({ correlationId: '' }), 'Counted: not a correlationId'],
    ['has no actor', one({ actor: '' }), 'Counted: not an actor'],
    ['has an actor that is no text', one({ actor: notText }), 'Counted: not an actor'],
    ['has half a surrogate pair in its actor', one({ actor: '\udfff' }), 'Counted: not an actor'],
    ['has an empty owner', one({ ownerId: '' }), 'Counted: not an ownerId'],
    ['has a version before the first', one({ schemaVersion: 0 }), 'Counted: not a schemaVersion'],
    ['has half a version', one({ schemaVersion: 1.5 }), 'Counted: not a schemaVersion'],
    ['has a local time', one({ effectiveAt: '2026-01-01T00:00:00.000' }), 'Counted: effectiveAt is not a UTC time'],
    ['has a time before a text', one({ effectiveAt: '2026-01-01T00:00:00.000Z!' }), 'effectiveAt is not a UTC time'],
    [
      'has a day that its month has not',
      one({ effectiveAt: '2026-04-31T00:00:00.000Z' }),
      'effectiveAt is not a UTC time',
    ],
    ['has an hour that is none', one({ effectiveAt: '2026-01-01T25:00:00.000Z' }), 'effectiveAt is not a UTC time'],
    ['has no data', one({ data: undefined }), 'Counted: the data is not JSON'],
    ['has a function as data', one({ data: () => 1 }), 'Counted: the data is not JSON'],
    ['has data without an end', one({ data: circle }), 'Counted: the data is not JSON'],
    ['holds U+0000', one({ data: ['a\u0000'] }), 'Counted: the data holds an unstorable character'],
    ['holds U+0000 in what it read', one({ reads: { '\u0000': 1 } }), 'the data holds an unstorable character'],
    ['holds half a surrogate pair', one({ data: { '\\\udc00': 1 } }), 'the data holds an unstorable character'],
  ];
  it.each(bad)('%s', (_, request, says) => {
    expect(refusal(request)).toContain(says);
  });

  it('may be recorded where the same is in order', () => {
    const causationId = id;
    expect(refusal(one({ causationId, ownerId: 'city-131016', schemaVersion: 1, reads: { a: -1 } }))).toBeUndefined();
  });

  it('shows a hundred characters of a bad name', () => {
    expect(refusal(write('\n'.repeat(200), 0))).toBe(`not a stream name: "${'\\n'.repeat(49)}\\`);
  });
});

it('refuses in its data exactly what JSON has to escape and a database cannot hold', () => {
  const unit = fc.constantFrom('\\', 'u', '0000', 'd800', '\u0000', '\ud800', '\udc00', '"', 'a', '\n');
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
      const text = units.join('');
      const isStorable = !text.includes('\u0000') && text.isWellFormed();
      expect(refusal(one({ data: { text } })) === undefined).toBe(isStorable);
    }),
    { numRuns: 300 },
  );
});

describe('the version of an event', () => {
  const versions = new EventVersions({ Counted: [(data: { by: number }) => ({ steps: data.by })], Weighed: [] });
  const versionOf = (more: Partial<NewEvent>, known?: EventVersions) =>
    onlyEvent(checkRequest(one(more), known)).schemaVersion;

  it('is the newest that the log knows, and the first where it knows none', () => {
    expect(versionOf({}, versions)).toBe(2);
    expect(versionOf({ type: 'Weighed' }, versions)).toBe(1);
    expect(versionOf({ schemaVersion: 2 }, versions)).toBe(2);
    expect([versionOf({}), versionOf({ schemaVersion: 7 })]).toEqual([1, 7]);
  });

  it('is no other than the newest', () => {
    for (const schemaVersion of [1, 3]) {
      expect(refusal(one({ schemaVersion }), versions)).toBe(
        `Counted: recorded in version 2 now, not in version ${schemaVersion}`,
      );
    }
  });
});
