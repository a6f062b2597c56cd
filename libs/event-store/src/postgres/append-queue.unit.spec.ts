import { newId } from '@tsunagu/kernel';
import { StoreError } from '../contract.js';
import type { Evaluated } from '../evaluate.js';
import { type CheckedRequest, checkRequest } from '../requests.js';
import { write } from '../suite/place.js';
import { AppendQueue } from './append-queue.js';

/** Commits that end when the test says so. */
class HeldCommits {
  readonly batches: (readonly CheckedRequest[])[] = [];
  private readonly ends: (() => void)[] = [];
  private position = 0;

  readonly commit = (requests: readonly CheckedRequest[]): Promise<readonly Evaluated[]> => {
    this.batches.push(requests);
    return new Promise((resolve) => {
      this.ends.push(() => resolve(requests.map((request) => this.outcome(request))));
    });
  };

  endNext(): void {
    this.ends.shift()?.();
  }

  sizes(): number[] {
    return this.batches.map((requests) => requests.length);
  }

  private outcome(request: CheckedRequest): Evaluated {
    if (request.writes[0]?.stream === 'bad-1') return new StoreError('store.id_in_other_stream', 'bad');
    this.position += 1;
    return { outcome: 'appended', positions: [this.position] };
  }
}

const requests = (count: number, stream = 'thing') =>
  Array.from({ length: count }, () => checkRequest(write(`${stream}-1`, 'noStream')));
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the append queue', () => {
  it('commits at once when idle, and what comes meanwhile together', async () => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const calls = [queue.append(requests(1))];
    await turn();
    calls.push(...Array.from({ length: 10 }, () => queue.append(requests(2))));
    await turn();
    expect(held.sizes()).toEqual([1]);
    held.endNext();
    await turn();
    expect(held.sizes()).toEqual([1, 20]);
    held.endNext();
    const answers = await Promise.all(calls);
    expect(answers.flat().map((one) => 'positions' in one && one.positions[0])).toEqual(
      Array.from({ length: 21 }, (_, n) => n + 1),
    );
  });

  it('has two batches under way at most, and splits no call', async () => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const calls = [700, 700, 1_500, 400, 500].map((count) => queue.append(requests(count)));
    await turn();
    expect(held.sizes()).toEqual([700, 700]);
    held.endNext();
    await turn();
    expect(held.sizes()).toEqual([700, 700, 1_500]);
    held.endNext();
    await turn();
    expect(held.sizes()).toEqual([700, 700, 1_500, 900]);
    held.endNext();
    held.endNext();
    expect((await Promise.all(calls)).map(({ length }) => length)).toEqual([700, 700, 1_500, 400, 500]);
  });

  it.each([
    ['a first batch of few events alone', [16, 16, 16, 16, 16, 16, 16, 15], [127]],
    ['many events in halves, so that one is worked on while the other is recorded', new Array(8).fill(16), [64, 64]],
    ['an odd number with the larger half first', new Array(129).fill(1), [65, 64]],
    ['no batch of more than a thousand events', [900, 900, 200, 100], [900, 900]],
  ])('commits, when idle, %s', async (_, sizes: number[], batches) => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const calls = sizes.map((size) => queue.append(requests(size)));
    await turn();
    expect(held.sizes()).toEqual(batches);
    for (let n = 0; n < sizes.length; n += 1) {
      held.endNext();
      await turn();
    }
    expect((await Promise.all(calls)).map(({ length }) => length)).toEqual(sizes);
  });

  it.each([
    [63, [1]],
    [64, [1, 64]],
  ])('commits %i events of one turn beside a batch under way: %j', async (count, batches) => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const calls = [queue.append(requests(1))];
    await turn();
    calls.push(queue.append(requests(count - 10)), queue.append(requests(10)));
    await turn();
    expect(held.sizes()).toEqual(batches);
    for (let n = 0; n < 2; n += 1) {
      held.endNext();
      await turn();
    }
    await Promise.all(calls);
    expect(held.sizes()).toEqual([1, count]);
  });

  it('commits as soon as a thousand events wait, in the turn in which they come', async () => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const calls = [queue.append(requests(500)), queue.append(requests(499))];
    expect(held.sizes()).toEqual([]);
    calls.push(queue.append(requests(1)));
    expect(held.sizes()).toEqual([500, 500]);
    held.endNext();
    held.endNext();
    await Promise.all(calls);
  });

  it('answers no requests at once, and closes at once when nothing is under way', async () => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    expect(await queue.append([])).toEqual([]);
    await queue.close();
    expect(held.batches).toEqual([]);
    await expect(queue.append(requests(1))).rejects.toThrow('the event store is closed');
  });

  it.each([
    ['one batch is under way', [1], turn],
    ['a call still waits', [1], async () => undefined],
    ['two batches are under way and a call waits', [1_000, 1_000, 1], turn],
  ])('closes when all is answered, not before: %s', async (_, sizes, begin) => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const calls = sizes.map((size) => queue.append(requests(size)));
    await begin();
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await turn();
    for (const _ of sizes) {
      expect(closed).toBe(false);
      held.endNext();
      await turn();
    }
    await closing;
    expect((await Promise.all(calls)).map(({ length }) => length)).toEqual(sizes);
  });

  it('rejects only the call whose request is an exception, and closes when all are answered', async () => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const good = queue.append(requests(2));
    const bad = expect(queue.append([...requests(1), ...requests(1, 'bad')])).rejects.toMatchObject({
      code: 'store.id_in_other_stream',
    });
    const closed = queue.close();
    await expect(queue.append(requests(1))).rejects.toMatchObject({ code: 'store.unavailable' });
    await turn();
    held.endNext();
    await Promise.all([bad, closed]);
    expect(await good).toHaveLength(2);
  });

  it('refuses when too much waits', async () => {
    const held = new HeldCommits();
    const queue = new AppendQueue(held.commit);
    const [shape] = requests(1);
    const large = (eventCount: number) => ({ ...shape, requestId: newId(0), eventCount, writes: [] });
    const waiting = [1_000, 1_000, 200_000, 1].map((eventCount) => queue.append([large(eventCount)]));
    await expect(queue.append([large(1)])).rejects.toMatchObject({
      code: 'store.unavailable',
      message: 'too many events wait to be appended',
    });
    for (let n = 0; n < 4; n += 1) {
      await turn();
      held.endNext();
    }
    await Promise.all(waiting);
  });
});
