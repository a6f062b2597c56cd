import type { RecordedEvent } from './contract.js';
import { StreamReader } from './stream-reader.js';

type Streams = ReadonlyMap<string, readonly RecordedEvent[]>;

/** A query that the reader has begun: answered when a spec says so. */
interface Query {
  readonly names: readonly string[];
  answer(): void;
  fail(error: Error): void;
}

let queries: Query[];
let reader: StreamReader;
beforeEach(() => {
  queries = [];
  reader = new StreamReader({
    readStreams: (names) =>
      new Promise<Streams>((resolve, reject) => {
        const answer = () => resolve(new Map(names.map((name) => [name, []])));
        queries.push({ names, answer, fail: reject });
      }),
  });
});

/** What a query's end sets off begins in the turn after. */
const turn = async () => {
  for (let n = 0; n < 2; n += 1) await new Promise((resolve) => setImmediate(resolve));
};
const namesOf = () => queries.map(({ names }) => names);
const many = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix} ${index}`);

it('asks once for all who ask in one turn, each stream once, and gives everybody what it found', async () => {
  const asked = [reader.read(['a', 'b']), reader.read(['b', 'c']), reader.read(['d'])];
  expect(namesOf()).toEqual([]);
  await turn();
  expect(namesOf()).toEqual([['a', 'b', 'c', 'd']]);
  queries[0]?.answer();
  for (const streams of await Promise.all(asked)) expect([...streams.keys()]).toEqual(['a', 'b', 'c', 'd']);
});

it('has one query under way, and what is asked for meanwhile goes into the next one', async () => {
  const asked: Promise<Streams>[] = [];
  for (const name of ['a', 'b', 'c']) {
    asked.push(reader.read([name]));
    await turn();
  }
  expect(namesOf()).toEqual([['a']]);
  queries[0]?.answer();
  await asked[0];
  await turn();
  expect(namesOf()).toEqual([['a'], ['b', 'c']]);
  queries[1]?.answer();
  await Promise.all(asked);
});

it('begins a second query beside the first when 64 wait, and never a third', async () => {
  const asked = [reader.read(['first'])];
  await turn();
  const ask = (name: string) => asked.push(reader.read([name]));
  many(63, 'a').forEach(ask);
  await turn();
  expect(queries).toHaveLength(1);
  ask('one more');
  expect(namesOf().at(1)).toEqual([...many(63, 'a'), 'one more']);
  many(100, 'b').forEach(ask);
  await turn();
  expect(queries).toHaveLength(2);
  queries[1]?.answer();
  await turn();
  expect(namesOf().at(2)).toEqual(many(100, 'b'));
  for (const query of queries) query.answer();
  await Promise.all(asked);
});

it('reads two thousand streams a query, and a caller who asks for more alone in one', async () => {
  const asked = [
    reader.read(many(1_500, 'a')),
    reader.read(many(500, 'b')),
    reader.read(['c']),
    reader.read(many(2_001, 'd')),
    reader.read(['e']),
  ];
  await turn();
  expect(queries).toHaveLength(1);
  for (let index = 0; index < 4; index += 1) {
    queries[index]?.answer();
    await turn();
  }
  expect(namesOf().map(({ length }) => length)).toEqual([2_000, 1, 2_001, 1]);
  await Promise.all(asked);
});

it('fails those whose query failed, and goes on', async () => {
  const failing = reader.read(['a']);
  await turn();
  queries[0]?.fail(new Error('no answer'));
  await expect(failing).rejects.toThrow('no answer');
  const next = [reader.read(['b']), turn().then(() => reader.read(['c']))];
  await turn();
  await turn();
  expect(namesOf()).toEqual([['a'], ['b']]);
  queries[1]?.answer();
  await turn();
  expect(namesOf().at(2)).toEqual(['c']);
  queries[2]?.answer();
  await Promise.all(next);
});
