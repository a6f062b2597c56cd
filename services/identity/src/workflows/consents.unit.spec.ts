import { randomUUID } from 'node:crypto';
import { appendOne } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { isoTime } from '@tsunagu/kernel';
import fc from 'fast-check';
import { isInForce, isWithdrawnReading } from '../domain/consent.js';
import { personStream } from '../domain/person.js';
import { actOf } from '../recording.js';
import { memoryVault } from '../test-vault.js';
import type { Attributes } from '../verification/attributes.js';
import { Consents } from './consents.js';
import { RecordingAttributes } from './recording-attributes.js';
import { Survivors } from './survivors.js';

class Crash extends Error {}

const personId = '019ab3f0-6c00-7000-8000-000000000001';
const startMs = Date.parse('2026-11-30T01:00:00.000Z');

/** The clock of the machine that does it; those of two machines differ. */
const seconds = fc.nat({ max: 5 });
const act = fc.record({
  kind: fc.constantFrom('read', 'withdraw'),
  seconds,
  crash: fc.option(fc.record({ step: fc.nat({ max: 6 }), done: fc.boolean() }), { nil: undefined }),
});
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** Makes every method of a part one step that others may come before, and that a crash may end before or after it is done. */
type Step = <T>(run: () => Promise<T>) => Promise<T>;
function stepwise<T extends object>(part: T, step: Step): T {
  return new Proxy(part, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const isStep = ['keep', 'forgetWithdrawn', 'append', 'readStreams'].includes(String(name));
      return (...given: unknown[]) => (isStep ? step(() => value.apply(target, given)) : value.apply(target, given));
    },
  });
}

const read = (readAt: string): Attributes => ({
  name: 'name',
  birthDate: null,
  sex: null,
  address: null,
  residenceCode: null,
  residenceTable: '2026-01-01',
  readAt,
  issuedAt: readAt,
});

async function startWorld(scheduler: fc.Scheduler) {
  const log = new MemoryEventLog({ now: () => startMs });
  const vault = memoryVault();
  const registered = actOf({ type: 'PersonRegistered', data: { personId } }, startMs, randomUUID());
  const write = { stream: personStream(personId), expectedRevision: 'noStream', events: [registered] } as const;
  await appendOne(log, { writes: [write] });

  /** One process of its own that comes to the act's end, or to its crash. */
  async function run({ kind, seconds: after, crash }: Act): Promise<void> {
    let left = crash?.step ?? Number.POSITIVE_INFINITY;
    const step: Step = async (done) => {
      await scheduler.schedule(Promise.resolve());
      const crashes = left-- === 0;
      if (crashes && !crash?.done) throw new Crash();
      const answer = await done();
      if (crashes) throw new Crash();
      return answer;
    };
    const [steppedLog, steppedVault] = [stepwise(log, step), stepwise(vault, step)];
    const survivors = new Survivors(steppedLog);
    const nowMs = startMs + after * 1_000;
    if (kind === 'withdraw') {
      const acting = { caller: { actor: `person:${personId}`, ownerId: null }, correlationId: randomUUID(), nowMs };
      await new Consents(steppedLog, steppedVault, survivors).withdraw(personId, 'attributes', acting);
      return;
    }
    const recording = new RecordingAttributes(steppedLog, steppedVault, { now: () => nowMs }, survivors);
    await recording.record(personId, read(isoTime(nowMs)), randomUUID());
  }

  /** All at once; those that crashed are told. */
  async function runAll(acts: readonly Act[]): Promise<readonly Act[]> {
    const settled = await scheduler.waitFor(Promise.allSettled(acts.map(run)));
    return settled.flatMap((each, index) => {
      if (each.status === 'fulfilled') return [];
      if (!(each.reason instanceof Crash)) throw each.reason;
      return acts[index] ?? [];
    });
  }
  const person = () => new Survivors(log).one(personId);
  return { log, vault, runAll, person };
}

describe('readings and withdrawals that come between each other and crash', () => {
  it('end with attributes in the vault where a consent is in force, and nowhere else', async () => {
    const seen = { held: 0, withdrawn: 0, crashed: 0, anew: 0 };
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(act, { minLength: 2, maxLength: 8 }), async (scheduler, acts) => {
        const { log, vault, runAll, person } = await startWorld(scheduler);
        const crashed = await runAll(acts);
        await runAll(crashed.map(({ kind, seconds: after }) => ({ kind, seconds: after, crash: undefined })));
        const { consents, attributesReadAt, attributesWithdrawnAt } = await person();
        const held = await vault.attributes(personId);
        expect(held !== undefined).toBe(isInForce({ consents }));
        expect(held?.readAt ?? null).toBe(attributesReadAt);
        if (held) expect(isWithdrawnReading({ attributesWithdrawnAt }, held.readAt)).toBe(false);
        const { events } = await log.readLog({ after: 0, limit: 1_000, types: ['ConsentGiven', 'ConsentWithdrawn'] });
        // Given and withdrawn by turns: no consent is withdrawn twice.
        const turns = events.map(({ type }) => type);
        expect(turns).toEqual(turns.map((_, index) => (index % 2 === 0 ? 'ConsentGiven' : 'ConsentWithdrawn')));
        seen.held += held ? 1 : 0;
        seen.withdrawn += attributesWithdrawnAt === null ? 0 : 1;
        seen.anew += turns.length > 2 ? 1 : 0;
        seen.crashed += crashed.length;
      }),
      { numRuns: 1_000 },
    );
    // The programmes meet what they are about.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });
});
