import { isoTime, newId } from '@tsunagu/kernel';
import { startMs } from '../suite/place.js';
import type { KurrentClient, KurrentPosition, KurrentRecord, KurrentResolved } from './client.js';
import { Ordinals } from './ordinals.js';
import { TestServer } from './test-server.js';

type ReadAll = Parameters<KurrentClient['readAll']>[0];

/** The records of a server in its order, and what it was asked for. A read answers when a spec lets it, with what was there before. */
class ServedRecords {
  readonly records: KurrentRecord[] = [];
  readonly asked: ReadAll[] = [];
  /** What is in $all beside the records, at the beginning of each read: links that lead nowhere, others' events. */
  readonly strange: KurrentResolved[] = [];
  hold: Promise<unknown> | undefined;

  client(): KurrentClient {
    const server = this;
    return {
      ...new TestServer().client(),
      async *readAll(options) {
        server.asked.push(options);
        const { fromPosition: from, maxCount } = options;
        const rest = server.records.filter(({ position }) => from === 'start' || !position || isFrom(position, from));
        await server.hold;
        yield* server.strange;
        for (const event of rest.slice(0, maxCount)) yield { event };
      },
    };
  }

  /** Records the next event of a stream; gives its id. */
  record(
    stream: string,
    more: Partial<KurrentRecord> & { readonly atMs?: number; readonly attempt?: string } = {},
  ): string {
    const { atMs = startMs, attempt = 'first', ...rest } = more;
    const offset = BigInt(this.records.length + 1) * 100n;
    const record: KurrentRecord = {
      streamId: `test.${stream}`,
      id: newId(startMs),
      revision: BigInt(this.records.filter(({ streamId }) => streamId === `test.${stream}`).length),
      type: 'Counted',
      data: {},
      metadata: { recordedAt: isoTime(atMs), attempt },
      position: { commit: offset, prepare: offset },
      ...rest,
    };
    this.records.push(record);
    return record.id;
  }
}

function isFrom({ commit, prepare }: KurrentPosition, from: KurrentPosition): boolean {
  return commit > from.commit || (commit === from.commit && prepare >= from.prepare);
}

let server: ServedRecords;
let ordinals: Ordinals;
beforeEach(() => {
  server = new ServedRecords();
  ordinals = new Ordinals(server.client(), 'test.');
});

async function after(ordinal: number) {
  const found: [id: string, position: number][] = [];
  for await (const { record, position } of ordinals.after(ordinal)) found.push([record.id, position]);
  return found;
}

it('counts the events of the log from 1, and each stream by its revisions', async () => {
  const ids = ['a', 'b', 'a'].map((stream) => server.record(stream));
  expect([ordinals.head, ordinals.revisionOf('a'), ordinals.ordinalOf('a', 0)]).toEqual([0, -1, undefined]);
  await ordinals.catchUp();
  expect([ordinals.head, ordinals.revisionOf('a'), ordinals.revisionOf('b'), ordinals.revisionOf('c')]).toEqual([
    3, 1, 0, -1,
  ]);
  const places = [ordinals.ordinalOf('a', 0), ordinals.ordinalOf('b', 0), ordinals.ordinalOf('a', 1)];
  expect(places).toEqual([1, 2, 3]);
  expect([ordinals.ordinalOf('a', 2), ordinals.ordinalOf('c', 0)]).toEqual([undefined, undefined]);
  expect(await after(0)).toEqual(ids.map((id, index) => [id, index + 1]));
  expect(await after(2)).toEqual([[ids[2], 3]]);
  expect(await after(3)).toEqual([]);
});

it('passes over what is not the log’s: other streams, links that lead nowhere', async () => {
  const id = server.record('a');
  const position = { commit: 1n, prepare: 1n };
  server.strange.push({}, { event: { ...(server.records[0] as KurrentRecord), streamId: '$system', position } });
  await ordinals.catchUp();
  expect(await after(0)).toEqual([[id, 1]]);
  server.record('a');
  await ordinals.catchUp();
  expect(ordinals.head).toBe(2);
});

it('reads forwards from where it stands, by the names of the streams, and from the leader: a follower may lag', async () => {
  server.record('a');
  await ordinals.catchUp();
  server.record('a');
  await ordinals.catchUp();
  expect(server.asked[0]?.fromPosition).toBe('start');
  expect(server.asked.slice(1).map(({ fromPosition }) => fromPosition)).not.toContain('start');
  for (const { direction, requiresLeader, filter } of server.asked) {
    expect([direction, requiresLeader]).toEqual(['forwards', true]);
    expect(filter).toMatchObject({ filterOn: 'streamName', prefixes: ['test.'] });
  }
});

it('counts past the end of a page, whether its events share a commit or not', async () => {
  const size = 2_500;
  for (let n = 0; n < size; n += 1) {
    const commit = BigInt(Math.ceil((n + 1) / 7)) * 1_000n;
    server.record(`thing-${n}`, { revision: 0n, position: { commit, prepare: commit + BigInt(n % 7) } });
  }
  await ordinals.catchUp();
  expect(ordinals.head).toBe(size);
  expect(await after(0)).toEqual(server.records.map(({ id }, index) => [id, index + 1]));
  expect(server.asked.every(({ maxCount }) => maxCount <= 1_001)).toBe(true);
});

it('counts in the order of commits, also where one was prepared before an earlier one', async () => {
  const positions = [
    { commit: 60n, prepare: 60n },
    { commit: 100n, prepare: 50n },
    { commit: 100n, prepare: 70n },
  ];
  for (const position of positions) {
    server.record('a', { position });
    await ordinals.catchUp();
  }
  expect(ordinals.head).toBe(3);
  expect((await after(1)).map(([, position]) => position)).toEqual([2, 3]);
});

it('passes over what a server gives again from before the place asked for', async () => {
  for (let n = 0; n < 3; n += 1) server.record('a');
  await ordinals.catchUp();
  server.strange.push(...server.records.slice(0, 2).map((event) => ({ event })));
  const id = server.record('a');
  await ordinals.catchUp();
  expect(ordinals.head).toBe(4);
  expect(await after(3)).toEqual([[id, 4]]);
});

describe('catching up', () => {
  it('counts what was recorded before the call, with one read for all who call meanwhile', async () => {
    let release = () => {};
    server.hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = ordinals.catchUp();
    server.record('a');
    const [second, third] = [ordinals.catchUp(), ordinals.catchUp()];
    expect(second).toBe(third);
    expect(server.asked).toHaveLength(1);
    release();
    await Promise.all([first, second]);
    expect(ordinals.revisionOf('a')).toBe(0);
    server.record('b');
    await ordinals.catchUp();
    expect(ordinals.revisionOf('b')).toBe(0);
  });

  it('goes on after a failure, for those who wait as for those who come', async () => {
    server.hold = Promise.reject(new Error('no answer'));
    const first = ordinals.catchUp();
    const second = ordinals.catchUp();
    await expect(first).rejects.toThrow('no answer');
    await expect(second).rejects.toThrow('no answer');
    server.hold = undefined;
    server.record('a');
    await ordinals.catchUp();
    expect(ordinals.head).toBe(1);
  });

  it.each([
    ['events before it are gone', { revision: 3n }],
    ['it is counted already', { revision: 0n }],
  ])('throws where a record cannot be counted: %s', async (_, more) => {
    server.record('a');
    server.record('a', more);
    await expect(ordinals.catchUp()).rejects.toThrow(`test.a@${more.revision} cannot be counted`);
    expect(ordinals.head).toBe(1);
  });
});

it('tells the clock of the append, never decreasing with position', async () => {
  for (const afterMs of [0, 5_000, 2_000, 6_000]) server.record('a', { atMs: startMs + afterMs });
  await ordinals.catchUp();
  const times = [1, 2, 3, 4].map((ordinal) => Date.parse(ordinals.recordedAt(ordinal)) - startMs);
  expect(times).toEqual([0, 5_000, 5_000, 6_000]);
});

it('remembers the hundred thousand ids recorded last, with their places and whose try it was', async () => {
  const first = server.record('a');
  const second = server.record('b', { attempt: 'second' });
  await ordinals.catchUp();
  expect(ordinals.recentlyRecorded(first)).toEqual({ stream: 'a', position: 1, attempt: 'first' });
  expect(ordinals.recentlyRecorded(newId(startMs))).toBeUndefined();
  const many = manyRecords(server, 99_999);
  const full = new Ordinals(many, 'test.');
  await full.catchUp();
  expect(full.head).toBe(100_001);
  expect([full.recentlyRecorded(first), full.recentlyRecorded(second)]).toEqual([
    undefined,
    { stream: 'b', position: 2, attempt: 'second' },
  ]);
});

/** The records of a server and so many more behind them, each in a stream of its own. */
function manyRecords({ records }: ServedRecords, count: number): KurrentClient {
  const metadata = { recordedAt: isoTime(startMs), attempt: 'first' };
  return {
    ...new TestServer().client(),
    async *readAll({ fromPosition, maxCount }) {
      const begin = fromPosition === 'start' ? 1 : Number(fromPosition.commit) / 100;
      for (let n = begin; n < begin + maxCount && n <= records.length + count; n += 1) {
        const position = { commit: BigInt(n) * 100n, prepare: BigInt(n) * 100n };
        const other = {
          streamId: `test.${n}`,
          id: `${n}`,
          revision: 0n,
          type: 'Counted',
          data: {},
          metadata,
          position,
        };
        yield { event: records[n - 1] ?? other };
      }
    },
  };
}
