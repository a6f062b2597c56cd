import { randomUUID } from 'node:crypto';
import { newId } from '@tsunagu/kernel';
import type { NewEvent } from '../contract.js';
import { event, type OpenPlace, placeForEach, startMs, write } from './place.js';

/** What every adapter must do. */
export function coreSuite(open: OpenPlace): void {
  const place = placeForEach(open);

  describe('append', () => {
    it('numbers the events of a stream from 0 and those of the log upwards', async () => {
      const { log } = place();
      const [first] = await log.append([write('thing-1', 'noStream', 2)]);
      const [second] = await log.append([write('thing-1', 1)]);
      expect(first).toEqual({ outcome: 'appended', positions: [1, 2] });
      expect(second).toEqual({ outcome: 'appended', positions: [3] });
      const recorded = (await log.readStreams(['thing-1'])).get('thing-1') ?? [];
      expect(recorded.map(({ revision, position }) => [revision, position])).toEqual([
        [0, 1],
        [1, 2],
        [2, 3],
      ]);
    });

    it('gives every field back as it was given', async () => {
      const { log } = place();
      const given = event({
        causationId: newId(startMs),
        ownerId: 'city-131016',
        reads: { 'other-1': 4, 'other-2': -1 },
        schemaVersion: 3,
        effectiveAt: '2025-01-31T15:00:00.120Z',
        data: { points: 5000, nested: [{ a: null }], text: 'つなぐ' },
      });
      const requestId = newId(startMs);
      await log.append([{ requestId, writes: [{ stream: 'thing-1', expectedRevision: 'noStream', events: [given] }] }]);
      const { events } = await log.readLog({ after: 0, limit: 10 });
      const recordedAt = '2026-11-05T00:00:00.000Z';
      expect(events).toEqual([
        { ...given, log: log.log, position: 1, stream: 'thing-1', revision: 0, requestId, recordedAt },
      ]);
    });

    it('keeps hostile text exactly', async () => {
      const { log } = place();
      const hostile = ['a\nb\tc\r', '\\N', '\\u0000 spelled out', '""\\"', "E'\\n'", '\u2028\u{1F600}é', '{},NULL', ''];
      const data = { hostile, 'key\n"\\': Number.MAX_SAFE_INTEGER, small: -1.5e-7 };
      const given = event({ type: 'Naïve\\Type', actor: 'staff:"O\'Neil",\\N', correlationId: ' NULL ', data });
      await log.append([write('thing-\\"\'{},+ü', 'noStream', [event(), given])]);
      const { events } = await log.readLog({ after: 0, limit: 10 });
      expect(events[1]).toMatchObject(given);
      expect(events[1]?.stream).toBe('thing-\\"\'{},+ü');
    });

    it('refuses with the actual revision when the expected one is too low', async () => {
      const { log } = place();
      await log.append([write('thing-1', 'noStream', 3)]);
      const conflict = { outcome: 'conflict', actualRevisions: { 'thing-1': 2 }, recordedIds: [] };
      expect(await log.append([write('thing-1', 'noStream'), write('thing-1', 1)])).toEqual([conflict, conflict]);
      expect(await log.head()).toBe(3);
    });

    it('refuses with the actual revision when the expected one is too high, known stream or not', async () => {
      const { log } = place();
      await log.append([write('thing-1', 'noStream')]);
      const outcomes = await log.append([write('thing-1', 1), write('thing-9', 0), write('thing-2', 'noStream')]);
      expect(outcomes).toEqual([
        { outcome: 'conflict', actualRevisions: { 'thing-1': 0 }, recordedIds: [] },
        { outcome: 'conflict', actualRevisions: { 'thing-9': -1 }, recordedIds: [] },
        { outcome: 'appended', positions: [2] },
      ]);
    });

    it('lets requests of one call take effect one after another', async () => {
      const { log } = place();
      const outcomes = await log.append([
        write('thing-1', 'noStream', 2),
        write('thing-1', 'noStream'),
        write('thing-1', 1),
        write('thing-1', 3),
        write('thing-1', 2),
      ]);
      expect(outcomes.map(({ outcome }) => outcome)).toEqual([
        'appended',
        'conflict',
        'appended',
        'conflict',
        'appended',
      ]);
      expect(outcomes.flatMap((one) => ('positions' in one ? one.positions : []))).toEqual([1, 2, 3, 4]);
    });

    it('decides a race of many callers for one revision for exactly one', async () => {
      const { log } = place();
      const calls = Array.from({ length: 40 }, () => log.append([write('thing-1', 'noStream')]));
      const outcomes = (await Promise.all(calls)).flat();
      expect(outcomes.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(39);
    });

    it('answers an empty call with nothing', async () => {
      expect(await place().log.append([])).toEqual([]);
    });
  });

  describe('a repeated request', () => {
    it('is a duplicate with the first positions, whatever its expected revision', async () => {
      const { log } = place();
      const request = write('thing-1', 'noStream', 2);
      await log.append([write('thing-0', 'noStream'), request]);
      await log.append([write('thing-1', 1)]);
      const events = request.writes[0]?.events ?? [];
      const duplicate = { outcome: 'duplicate', positions: [2, 3] };
      expect(await log.append([request])).toEqual([duplicate]);
      expect(await log.append([write('thing-1', 77, events)])).toEqual([duplicate]);
      expect(await log.append([write('thing-1', 2, events)])).toEqual([duplicate]);
      expect(await log.head()).toBe(4);
    });

    it('is a duplicate of itself within one call', async () => {
      const { log } = place();
      const request = write('thing-1', 'noStream');
      expect(await log.append([request, request])).toEqual([
        { outcome: 'appended', positions: [1] },
        { outcome: 'duplicate', positions: [1] },
      ]);
    });

    it('conflicts with the recorded ids when only some of its events are recorded', async () => {
      const { log } = place();
      const [known, unknown] = [event(), event()];
      await log.append([write('thing-1', 'noStream', [known])]);
      const conflict = { outcome: 'conflict', actualRevisions: { 'thing-1': 0 }, recordedIds: [known.id] };
      expect(await log.append([write('thing-1', 'noStream', [known, unknown])])).toEqual([conflict]);
      expect(await log.append([write('thing-1', 0, [unknown, known])])).toEqual([conflict]);
    });

    it('conflicts when all is recorded, but in another order', async () => {
      const { log } = place();
      const [first, second] = [event(), event()];
      await log.append([write('thing-1', 'noStream', [first, second])]);
      const [outcome] = await log.append([write('thing-1', 'noStream', [second, first])]);
      expect(outcome).toMatchObject({ outcome: 'conflict', recordedIds: [second.id, first.id] });
    });

    it('is an exception when an id lies in another stream, and only for its own caller', async () => {
      const { log } = place();
      const known = event();
      await log.append([write('thing-1', 'noStream', [known])]);
      const [wrong, right, before] = await Promise.allSettled([
        log.append([write('thing-2', 'noStream', [known])]),
        log.append([write('thing-3', 'noStream')]),
        log.append([write('thing-1', 'noStream')]),
      ]);
      expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'store.id_in_other_stream' } });
      expect(right).toMatchObject({ status: 'fulfilled', value: [{ outcome: 'appended', positions: [2] }] });
      expect(before).toMatchObject({ status: 'fulfilled', value: [{ outcome: 'conflict' }] });
    });
  });

  describe('a request that can never be recorded', () => {
    const same = event();
    const bad: [string, readonly NewEvent[], string?][] = [
      ['writes no events', []],
      ['uses an id twice', [same, same]],
      ['has an event id that is no UUID', [event({ id: 'x' })]],
      ['has an event id in capitals', [event({ id: randomUUID().toUpperCase() })]],
      ['has a causationId that is no UUID', [event({ causationId: 'claim-1' })]],
      ['has a time without milliseconds', [event({ effectiveAt: '2026-01-01T00:00:00Z' })]],
      ['has a time that is none', [event({ effectiveAt: '2026-13-01T00:00:00.000Z' })]],
      ['has a day that its month has not', [event({ effectiveAt: '2026-02-29T00:00:00.000Z' })]],
      ['has the hour after the last of a day', [event({ effectiveAt: '2026-01-01T24:00:00.000Z' })]],
      ['has a year before the first', [event({ effectiveAt: '0000-01-01T00:00:00.000Z' })]],
      ['holds U+0000', [event({ data: { name: 'a\u0000b' } })]],
      ['holds U+0000 in a key behind a backslash', [event({ data: { '\\\u0000': 1 } })]],
      ['holds half a surrogate pair', [event({ data: ['\ud800'] })]],
      ['holds no JSON', [event({ data: undefined })]],
      ['holds a bigint', [event({ data: { n: 1n } })]],
      ['has a line break in its actor', [event({ actor: 'service:a\nb' })]],
      ['has an empty owner', [event({ ownerId: '' })]],
      ['has no type', [event({ type: '' })]],
      ['has a fractional schema version', [event({ schemaVersion: 1.5 })]],
      ['has a line break in its stream', [event()], 'thing-\n1'],
      ['has an empty stream', [event()], ''],
      ['has half a surrogate pair in its stream', [event()], 'thing-\udfff'],
    ];
    it.each(bad)('is refused when it %s', async (_, events, stream = 'thing-1') => {
      const { log } = place();
      const refused = log.append([write('thing-2', 'noStream'), write(stream, 'noStream', events)]);
      await expect(refused).rejects.toMatchObject({ code: 'store.invalid_request' });
      expect(await log.head()).toBe(0);
    });

    it.each([-2, 0.5, Number.NaN, 2 ** 31])('is refused for the expected revision %p', async (revision) => {
      const { log } = place();
      await expect(log.append([write('thing-1', revision)])).rejects.toMatchObject({ code: 'store.invalid_request' });
    });

    it('is refused when it is appended, and not when the log is told of it', async () => {
      const { log } = place();
      const [good, bad] = [write('thing-1', 'noStream', 2), write('thing-2', 'noStream', [event({ type: '' })])];
      log.prepare?.([good, bad]);
      expect(await log.head()).toBe(0);
      await expect(log.append([good, bad])).rejects.toMatchObject({ code: 'store.invalid_request' });
      expect(await log.head()).toBe(0);
      expect(await log.append([good])).toEqual([{ outcome: 'appended', positions: [1, 2] }]);
    });

    it('is refused when it has no writes or names a stream twice', async () => {
      const { log } = place();
      const twice = { writes: [...write('thing-1', 'noStream').writes, ...write('thing-1', 0).writes] };
      for (const request of [{ writes: [] }, twice, { ...write('thing-1', 'noStream'), requestId: 'x' }]) {
        await expect(log.append([request])).rejects.toMatchObject({ code: 'store.invalid_request' });
      }
    });
  });

  describe('a last event that somebody remembers', () => {
    it('is outdated when its stream went on, ends before it, does not exist or ends in another event', async () => {
      const { log } = place();
      const [one, two] = [write('thing-1', 'noStream', 3), write('thing-2', 'noStream')];
      await log.append([one, two]);
      const ids = (one.writes[0]?.events ?? []).map(({ id }) => id);
      const [first = '', second = '', third = ''] = ids;
      const other = two.writes[0]?.events[0]?.id ?? '';
      const outdated = async (stream: string, revision: number, id: string) =>
        (await log.outdated([{ stream, revision, id }])).has(id);
      expect(await outdated('thing-1', 2, third)).toBe(false);
      expect(await outdated('thing-1', 1, second)).toBe(true);
      expect(await outdated('thing-1', 3, third)).toBe(true);
      expect(await outdated('thing-1', 1, third)).toBe(true);
      expect(await outdated('thing-1', 2, first)).toBe(true);
      expect(await outdated('thing-1', 2, other)).toBe(true);
      expect(await outdated('thing-2', 0, other)).toBe(false);
      expect(await outdated('thing-9', 0, other)).toBe(true);
      const both = [
        { stream: 'thing-1', revision: 2, id: third },
        { stream: 'thing-1', revision: 1, id: second },
        { stream: 'thing-2', revision: 0, id: other },
      ];
      expect(await log.outdated(both)).toEqual(new Set([second]));
      await log.append([write('thing-2', 0)]);
      expect(await log.outdated(both)).toEqual(new Set([second, other]));
      expect(await log.outdated([])).toEqual(new Set());
    });
  });

  describe('recordedAt', () => {
    it('is the clock of the append and never decreases with position', async () => {
      const { log, clock } = place();
      await log.append([write('thing-1', 'noStream')]);
      clock.nowMs += 5_001;
      await log.append([write('thing-2', 'noStream')]);
      clock.nowMs -= 3_000;
      await log.append([write('thing-3', 'noStream')]);
      const { events } = await log.readLog({ after: 0, limit: 10 });
      const times = ['2026-11-05T00:00:00.000Z', '2026-11-05T00:00:05.001Z', '2026-11-05T00:00:05.001Z'];
      expect(events.map(({ recordedAt }) => recordedAt)).toEqual(times);
    });
  });

  describe('waiting for an append', () => {
    it('resolves true at once when the log is past it, and when an append comes', async () => {
      const { log } = place();
      await log.append([write('thing-1', 'noStream')]);
      expect(await log.waitForAppend(0, 10_000)).toBe(true);
      const waiting = log.waitForAppend(1, 10_000);
      await log.append([write('thing-1', 0)]);
      expect(await waiting).toBe(true);
    });

    it('resolves false when time is up or the signal aborts', async () => {
      const { log } = place();
      expect(await log.waitForAppend(0, 20)).toBe(false);
      const stopping = new AbortController();
      const waiting = log.waitForAppend(0, 10_000, stopping.signal);
      stopping.abort();
      expect(await waiting).toBe(false);
      expect(await log.waitForAppend(0, 10_000, stopping.signal)).toBe(false);
    });
  });
}
