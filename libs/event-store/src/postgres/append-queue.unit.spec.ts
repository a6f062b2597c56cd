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
    const large = { ...shape, requestId: newId(0), eventCount: 150_000, writes: [] };
    const waiting = [queue.append([large]), queue.append([large]), queue.append([large]), queue.append([large])];
    await expect(queue.append([large])).rejects.toMatchObject({ code: 'store.unavailable' });
    for (let n = 0; n < 4; n += 1) {
      await turn();
      held.endNext();
    }
    await Promise.all(waiting);
  });
});
