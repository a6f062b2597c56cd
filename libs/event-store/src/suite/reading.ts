import type { EventLog, RecordedEvent } from '../contract.js';
import { event, type OpenPlace, placeForEach, write, writeAll } from './place.js';

/** How every adapter gives events back. */
export function readingSuite(open: OpenPlace): void {
  const place = placeForEach(open);

  describe('readStreams', () => {
    it('gives each stream in order, and an empty one for a stream that does not exist', async () => {
      const { log } = place();
      await log.append([write('thing-2', 'noStream', 2), write('thing-1', 'noStream'), write('thing-2', 1)]);
      const streams = await log.readStreams(['thing-1', 'thing-2', 'thing-3', 'thing-\n']);
      expect([...streams].map(([stream, events]) => [stream, events.map(({ position }) => position)])).toEqual([
        ['thing-1', [3]],
        ['thing-2', [1, 2, 4]],
        ['thing-3', []],
        ['thing-\n', []],
      ]);
      expect((await log.readStreams([])).size).toBe(0);
    });

    it('gives what lies past a revision, of the streams that one is named for', async () => {
      const { log } = place();
      await log.append([
        write('thing-1', 'noStream', 4),
        write('thing-2', 'noStream', 2),
        write('thing-3', 'noStream'),
      ]);
      const after = new Map([
        ['thing-1', 1],
        ['thing-3', 0],
        ['thing-4', 7],
        ['thing-5', 0],
      ]);
      const tails = await log.readStreams(['thing-1', 'thing-2', 'thing-3', 'thing-4'], after);
      expect([...tails].map(([stream, events]) => [stream, events.map(({ revision }) => revision)])).toEqual([
        ['thing-1', [2, 3]],
        ['thing-2', [0, 1]],
        ['thing-3', []],
        ['thing-4', []],
      ]);
      // A tail says nothing against the revision that the stream has.
      expect(await log.append([write('thing-3', 3)])).toMatchObject([{ outcome: 'conflict' }]);
      expect(await log.append([write('thing-1', 3), write('thing-3', 0)])).toMatchObject([
        { outcome: 'appended' },
        { outcome: 'appended' },
      ]);
    });
  });

  describe('readLog', () => {
    it('pages through everything, and says where it has come to', async () => {
      const { log } = place();
      await log.append(Array.from({ length: 10 }, (_, n) => write(`thing-${n}`, 'noStream')));
      const first = await log.readLog({ after: 0, limit: 4 });
      expect([positions(first.events), first.through]).toEqual([[1, 2, 3, 4], 4]);
      const second = await log.readLog({ after: 4, limit: 100 });
      expect([positions(second.events), second.through]).toEqual([[5, 6, 7, 8, 9, 10], 10]);
      expect(await log.readLog({ after: 10, limit: 100 })).toEqual({ events: [], through: 10 });
    });

    it('never cuts a request', async () => {
      const { log } = place();
      await log.append([write('thing-1', 'noStream'), write('thing-2', 'noStream', 5), write('thing-3', 'noStream')]);
      expect(positions((await log.readLog({ after: 0, limit: 2 })).events)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(positions((await log.readLog({ after: 0, limit: 1 })).events)).toEqual([1]);
      expect(await log.readLog({ after: 6, limit: 1 })).toMatchObject({ through: 7 });
    });

    it('filters by type while `through` still moves', async () => {
      const { log } = place();
      const wanted = () => event({ type: 'Wanted' });
      await log.append([
        write('thing-1', 'noStream', 3),
        write('thing-2', 'noStream', [wanted(), event(), wanted(), event()]),
        write('thing-3', 'noStream', [event(), wanted()]),
        write('thing-4', 'noStream', 2),
      ]);
      const first = await log.readLog({ after: 0, limit: 1, types: ['Wanted', 'Unheard'] });
      expect([positions(first.events), first.through]).toEqual([[4, 6], 7]);
      const second = await log.readLog({ after: 7, limit: 10, types: ['Wanted'] });
      expect([positions(second.events), second.through]).toEqual([[9], 11]);
      expect(await log.readLog({ after: 0, limit: 10, types: ['Unheard'] })).toEqual({ events: [], through: 11 });
    });

    it('filters by stream', async () => {
      const { log } = place();
      await log.append([
        write('thing-1', 'noStream', 2),
        write('thing-2', 'noStream', 3),
        write('thing-1', 1, [event({ type: 'Wanted' })]),
      ]);
      expect(positions((await log.readLog({ after: 0, limit: 10, stream: 'thing-1' })).events)).toEqual([1, 2, 6]);
      expect(positions((await log.readLog({ after: 1, limit: 10, stream: 'thing-1' })).events)).toEqual([2, 6]);
      const cut = await log.readLog({ after: 0, limit: 1, stream: 'thing-1' });
      expect([positions(cut.events), cut.through]).toEqual([[1, 2], 2]);
      const both = await log.readLog({ after: 0, limit: 1, stream: 'thing-1', types: ['Wanted'] });
      expect([positions(both.events), both.through]).toEqual([[6], 6]);
      expect(await log.readLog({ after: 0, limit: 1, stream: 'thing-9' })).toEqual({ events: [], through: 6 });
    });
  });
}

/** For adapters that number without gaps. */
export function gapFreeSuite(open: OpenPlace): void {
  const place = placeForEach(open);

  it('numbers without gaps, whatever lost in between', async () => {
    const { log } = place();
    expect(log.capabilities.gapFree).toBe(true);
    const known = event();
    await log.append([write('thing-0', 'noStream', [known])]);
    const calls = Array.from({ length: 60 }, (_, n) => {
      if (n % 7 === 3) return log.append([write('thing-9', 'noStream', [known])]).catch(() => []);
      return log.append([write(`thing-${n % 10}`, n % 3 === 0 ? 5 : 'noStream', 2)]);
    });
    await Promise.all(calls);
    const events = await all(log);
    expect(positions(events)).toEqual(events.map((_, index) => index + 1));
    expect(events).toHaveLength(await log.head());
  });
}

/** For adapters that write to several streams at once. */
export function atomicStreamsSuite(open: OpenPlace): void {
  const place = placeForEach(open);

  it('writes to all streams of a request or to none', async () => {
    const { log } = place();
    expect(log.capabilities.atomicStreams).toBe(true);
    await log.append([write('thing-1', 'noStream')]);
    const losing = writeAll(write('thing-2', 'noStream'), write('thing-1', 'noStream'), write('thing-3', 'noStream'));
    expect(await log.append([losing])).toEqual([
      { outcome: 'conflict', actualRevisions: { 'thing-2': -1, 'thing-1': 0, 'thing-3': -1 }, recordedIds: [] },
    ]);
    const winning = writeAll(write('thing-2', 'noStream', 2), write('thing-1', 0), write('thing-3', 'noStream'));
    expect(await log.append([winning])).toEqual([{ outcome: 'appended', positions: [2, 3, 4, 5] }]);
    expect(await log.append([winning])).toEqual([{ outcome: 'duplicate', positions: [2, 3, 4, 5] }]);
  });

  it('keeps the events of a request together, under its id', async () => {
    const { log } = place();
    const calls = Array.from({ length: 50 }, (_, n) =>
      log.append([writeAll(write(`left-${n}`, 'noStream', (n % 3) + 1), write(`right-${n}`, 'noStream'))]),
    );
    await Promise.all(calls);
    const events = await all(log);
    const runs = events.filter((one, index) => one.requestId !== events[index - 1]?.requestId);
    expect(runs).toHaveLength(50);
    for (const { requestId } of runs) {
      const streams = new Set(events.filter((one) => one.requestId === requestId).map(({ stream }) => stream));
      expect(streams.size).toBe(2);
    }
  });
}

/** For adapters that never forget an id. */
export function idsForEverSuite(open: OpenPlace): void {
  const place = placeForEach(open);

  it('recognises the first request after many others', async () => {
    const { log } = place();
    expect(log.capabilities.idsForEver).toBe(true);
    const first = write('thing-1', 'noStream');
    await log.append([first]);
    await log.append(Array.from({ length: 3_000 }, (_, n) => write(`other-${n}`, 'noStream')));
    expect(await log.append([first])).toEqual([{ outcome: 'duplicate', positions: [1] }]);
  });
}

export async function all(log: EventLog): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  let after = 0;
  for (;;) {
    const slice = await log.readLog({ after, limit: 7 });
    if (slice.through === after) return events;
    events.push(...slice.events);
    after = slice.through;
  }
}

function positions(events: readonly RecordedEvent[]): number[] {
  return events.map(({ position }) => position);
}
