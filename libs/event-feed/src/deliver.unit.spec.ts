import { publishedEvent, publishedEvents, schemaErrors } from '@tsunagu/contracts';
import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { type FeedBatch, type FeedMessage, UnprocessableMessage } from './contract.js';
import { deliver, failuresInARowMax, type Handle, type ParkedMessage } from './deliver.js';
import { isSorted, person, topic } from './suite/claims.js';

function message(position: number, key: string, more: Partial<FeedMessage> = {}): FeedMessage {
  const id = newId(1_800_000_000_000 + position);
  return {
    topic,
    key,
    id,
    type: 'ClaimAccepted',
    schemaVersion: 1,
    effectiveAt: '2026-11-20T01:00:00.000Z',
    correlationId: id,
    causationId: null,
    actor: 'service:campaign',
    ownerId: 'demo',
    data: { ...(publishedEvent('ClaimAccepted')?.example ?? {}), personId: key },
    log: 0,
    position,
    stream: `entitlement-${id}`,
    revision: 0,
    requestId: id,
    recordedAt: '2026-11-20T01:00:00.000Z',
    ...more,
  };
}

const positionsOf = (parked: readonly ParkedMessage[], state: string) =>
  parked.filter((letter) => letter.state === state).map((letter) => letter.message.position);

function give(batch: FeedBatch, handle: Handle, blocked: (key: string) => boolean = () => false, failures = 0) {
  return deliver(batch, handle, { blocked, retryPausesMs: [0], run: { failures } });
}

describe('deliver', () => {
  it('parks exactly the poisoned messages and what follows them under their key, and works off the rest in order per key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.integer({ min: 0, max: 12 }), poisoned: fc.boolean() }), { maxLength: 60 }),
        fc.boolean(),
        async (plan, named) => {
          // Poison is kept rare enough not to look like a fault of the consumer.
          const poisonedPositions = new Set(
            plan.flatMap(({ poisoned }, i) => (poisoned && i % 4 === 0 ? [i + 1] : [])).slice(0, failuresInARowMax - 1),
          );
          const batch = plan.map(({ key }, i) => message(i + 1, person(key)));
          const done: FeedMessage[] = [];
          const parked = await give(batch, async (part) => {
            const culprit = part.find((m) => poisonedPositions.has(m.position));
            if (culprit && named) throw new UnprocessableMessage(culprit.id, 'never');
            if (culprit) throw new Error('fails');
            done.push(...part);
          });

          const deadKeys = new Set<string>();
          const expected = { dead: [] as number[], waiting: [] as number[], done: [] as number[] };
          for (const m of batch) {
            if (deadKeys.has(m.key)) expected.waiting.push(m.position);
            else if (poisonedPositions.has(m.position)) {
              expected.dead.push(m.position);
              deadKeys.add(m.key);
            } else expected.done.push(m.position);
          }
          const byPosition = (a: number, b: number) => a - b;
          expect(positionsOf(parked, 'dead').sort(byPosition)).toEqual(expected.dead);
          expect(positionsOf(parked, 'waiting').sort(byPosition)).toEqual(expected.waiting);
          expect([...new Set(done.map((m) => m.position))].sort(byPosition)).toEqual(expected.done);
          for (const m of batch) {
            const firsts = [...new Set(done.filter((d) => d.key === m.key).map((d) => d.position))];
            expect(isSorted(firsts)).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('rejects for an outage, even one that shows itself in the middle of a bisection', async () => {
    const batch = [1, 2, 3, 4].map((n) => message(n, person(n)));
    let calls = 0;
    const given = give(batch, async () => {
      calls += 1;
      throw calls < 3 ? new Error('fails') : Object.assign(new Error('gone'), { code: '57P01' });
    });
    await expect(given).rejects.toMatchObject({ code: '57P01' });
  });

  it('tries a single message again before it is dead', async () => {
    let calls = 0;
    const parked = await give([message(1, person(1))], async () => {
      calls += 1;
      if (calls === 1) throw new Error('once');
    });
    expect(parked).toEqual([]);
    expect(calls).toBe(2);
  });

  it('gives several dead keys one more try, for a fault that came and went', async () => {
    let failing = 5;
    const worked: number[] = [];
    const batch = [message(1, person(1)), message(2, person(2)), message(3, person(1))];
    const parked = await give(batch, async (part) => {
      if (failing-- > 0) throw new Error('for a moment');
      worked.push(...part.map((m) => m.position));
    });
    expect(parked).toEqual([]);
    expect(worked.sort()).toEqual([1, 2, 3]);
  });

  it('pauses instead when everything fails, also over batches of one', async () => {
    const fails = async () => {
      throw new Error('a bug');
    };
    const many = Array.from({ length: failuresInARowMax + 5 }, (_, i) => message(i + 1, person(i)));
    await expect(give(many, fails)).rejects.toMatchObject({ name: 'FeedInterrupted' });
    const one = [message(1, person(1))];
    await expect(give(one, fails, undefined, failuresInARowMax - 1)).rejects.toMatchObject({ name: 'FeedInterrupted' });
    expect(positionsOf(await give(one, fails, undefined, 3), 'dead')).toEqual([1]);
  });

  it('gives out every event in the newest version, whatever version was recorded', async () => {
    for (const event of publishedEvents) {
      const examples = [...(event.older ?? []).map((version) => version.example), event.example];
      const batch = examples.map((data, index) =>
        message(index + 1, person(1), { type: event.type, schemaVersion: index + 1, data }),
      );
      const done: FeedMessage[] = [];
      const parked = await give(batch, async (part) => void done.push(...part));
      expect(parked).toEqual([]);
      expect(done.map(({ position }) => position)).toEqual(batch.map(({ position }) => position));
      for (const { type, schemaVersion, data } of done) {
        expect(schemaVersion).toBe(event.version);
        expect(schemaErrors(type, schemaVersion, data)).toEqual([]);
      }
      expect(done.at(-1)?.data).toBe(event.example);
    }
  });

  it('parks an event of a version newer than known at once, and says so', async () => {
    const done: number[] = [];
    const batch = [message(1, person(1)), message(2, person(2), { schemaVersion: 2 }), message(3, person(2))];
    const parked = await give(batch, async (part) => void done.push(...part.map((m) => m.position)));
    expect(done).toEqual([1]);
    expect(positionsOf(parked, 'waiting')).toEqual([3]);
    expect(parked.find(({ state }) => state === 'dead')).toMatchObject({
      message: { position: 2 },
      error: {
        name: 'UnknownVersion',
        code: 'event.version_unknown',
        message:
          'ClaimAccepted is recorded in version 2, and this release knows it up to version 1: update this service first',
      },
    });
  });

  it('lets a message of a blocked key wait without trying it', async () => {
    const done: number[] = [];
    const parked = await give(
      [message(1, person(1)), message(2, person(2))],
      async (part) => {
        done.push(...part.map((m) => m.position));
      },
      (key) => key === person(1),
    );
    expect(positionsOf(parked, 'waiting')).toEqual([1]);
    expect(done).toEqual([2]);
  });
});
