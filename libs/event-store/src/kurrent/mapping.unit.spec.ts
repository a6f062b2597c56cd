import { newId } from '@tsunagu/kernel';
import type { NewEvent } from '../contract.js';
import { checkRequest } from '../requests.js';
import { event, startMs, write } from '../suite/place.js';
import type { KurrentRecord } from './client.js';
import { appendsToSeveral, fromKurrent, text, toKurrent } from './mapping.js';

const prefix = 'test.';
const recordedAt = '2026-11-05T00:00:00.000Z';
const facts = { requestId: newId(startMs), attempt: newId(startMs), recordedAt };

function sent(given: NewEvent) {
  const [checked] = checkRequest(write('thing-1', 'noStream', [given])).writes.flatMap(({ events }) => events);
  if (!checked) throw new Error('it was checked');
  return toKurrent(checked, facts);
}

/** What a server gives back of an event that was sent. */
const recordOf = (given: NewEvent, more: Partial<KurrentRecord> = {}): KurrentRecord => ({
  ...sent(given),
  streamId: `${prefix}thing-1`,
  revision: 7n,
  ...more,
});

const full = event({
  causationId: newId(startMs),
  ownerId: 'city-131016',
  reads: { 'other-1': 4, 'other-2': -1 },
  schemaVersion: 3,
  data: { points: 5_000, nested: [{ a: null }], text: 'つなぐ' },
});
const bare = event({ data: null });

it('gives back what was recorded, with the place that the reader counted', () => {
  const place = { log: 2, position: 41, recordedAt: '2026-11-05T00:00:01.000Z' };
  const stands = { ...place, stream: 'thing-1', revision: 7, requestId: facts.requestId };
  expect(fromKurrent(recordOf(full), prefix, place)).toEqual({ ...full, ...stands });
  const back = fromKurrent(recordOf(bare), prefix, place);
  expect(back).toEqual({ ...bare, schemaVersion: 1, ...stands });
  expect('reads' in back).toBe(false);
});

it('is sent as JSON, its metadata a flat map of texts: a server takes no other for several streams', () => {
  for (const given of [full, bare]) {
    const { id, type, contentType, data, metadata } = sent(given);
    expect({ id, type, contentType, data }).toEqual({
      id: given.id,
      type: 'Counted',
      contentType: 'application/json',
      data: given.data,
    });
    expect(Object.values(metadata).map((value) => typeof value)).toEqual(Object.keys(metadata).map(() => 'string'));
  }
  const always = ['actor', 'attempt', 'correlationId', 'effectiveAt', 'recordedAt', 'requestId', 'schemaVersion'];
  expect(Object.keys(sent(bare).metadata).sort()).toEqual(always);
  expect(Object.keys(sent(full).metadata).sort()).toEqual([...always, 'causationId', 'ownerId', 'reads'].sort());
});

it('is sent as it was at the call, whatever becomes of the data', () => {
  const data = { points: 5 };
  const { data: taken } = sent(event({ data }));
  data.points = 6;
  expect(taken).toEqual({ points: 5 });
});

describe('a record that this adapter did not write', () => {
  const place = { log: 0, position: 1, recordedAt };

  it.each(['schemaVersion', 'effectiveAt', 'correlationId', 'actor', 'requestId'])('has no %s', (member) => {
    const { [member]: _, ...metadata } = sent(full).metadata;
    const record = recordOf(full, { metadata });
    expect(() => fromKurrent(record, prefix, place)).toThrow(`test.thing-1@7 has no ${member}: not ours`);
  });

  it.each([
    ['no metadata', undefined],
    ['none at all', null],
    ['metadata in bytes', new Uint8Array([123, 125])],
    ['metadata in words', 'schemaVersion'],
    ['a number for a text', { ...sent(full).metadata, schemaVersion: 3 }],
  ])('has %s', (_, metadata) => {
    expect(() => text(recordOf(full, { metadata }), 'schemaVersion')).toThrow('test.thing-1@7 has no schemaVersion');
  });
});

it.each([
  ['25.1', true],
  ['25.1.0', true],
  ['v25.1.3', true],
  ['25.10.2', true],
  ['26.0.0', true],
  ['100.0', true],
  ['25.0.9', false],
  ['24.10.4', false],
  ['5.26.1', false],
  ['v24', false],
  ['unknown', false],
  ['unknown to client 26.0', false],
  ['', false],
])('a server of version "%s" takes requests that write to several streams: %p', (version, does) => {
  expect(appendsToSeveral(version)).toBe(does);
});
