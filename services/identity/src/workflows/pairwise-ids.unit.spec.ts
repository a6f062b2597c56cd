import { randomBytes, randomUUID } from 'node:crypto';
import type { EventLog } from '@tsunagu/event-store';
import { appendOne } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { newId } from '@tsunagu/kernel';
import { keyedHash, secretKey } from '@tsunagu/vault';
import fc from 'fast-check';
import { checkMerge, eventsOfChange } from '../domain/merge.js';
import { fold, type PersonEvent, personStream } from '../domain/person.js';
import { type Sector, Vault } from '../outbound/vault.js';
import { actOf, domainEvents, revisionOf } from '../recording.js';
import { PairwiseIds } from './pairwise-ids.js';
import { Survivors } from './survivors.js';

const nowMs = Date.UTC(2026, 10, 30);
const persons = 6;
const who = fc.nat({ max: persons - 1 });
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('merge' as const), kept: who, merged: who }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('split' as const), merged: who }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), person: who }) },
  ),
  { maxLength: 12 },
);
const sector: fc.Arbitrary<Sector> = fc
  .tuple(fc.constantFrom('service' as const, 'provider' as const), fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/))
  .map(([kind, name]) => `${kind}:${name}` as const);
const sectors = fc.uniqueArray(sector, { minLength: 4, maxLength: 8 });

/** Keys and no database: what a vault seals is of no matter here. */
function vaultOf(pairwiseHash = secretKey(randomBytes(32))): Pick<Vault, 'pairwiseId'> {
  const other = secretKey(randomBytes(32));
  const keys = { certificateHash: other, myKeyIdHash: other, attributesHash: other, serviceIdHash: other };
  return new Vault({} as never, { ...keys, subjectHash: other, pairwiseHash }, {} as never);
}

/** What staff and the erasure write, and in plain variables whom each id means. */
class World {
  readonly log: EventLog = new MemoryEventLog({ now: () => nowMs });
  readonly personIds = Array.from({ length: persons }, () => newId(nowMs));
  readonly mergedInto = new Map<number, { kept: number; mergeId: string }>();
  readonly erased = new Set<number>();

  async begin(): Promise<void> {
    for (const personId of this.personIds)
      await this.write(new Map([[personId, { type: 'PersonRegistered', data: { personId } }]]));
  }

  async run(step: typeof steps extends fc.Arbitrary<readonly (infer S)[]> ? S : never): Promise<void> {
    if (step.kind === 'erase') return this.erase(step.person);
    if (step.kind === 'split') return this.split(step.merged);
    const { kept, merged } = step;
    const streams = await this.log.readStreams(this.personIds.map(personStream));
    const [one, other] = [kept, merged].map((at) =>
      fold(domainEvents<PersonEvent>(streams, personStream(this.idOf(at)))),
    );
    if (!checkMerge({ kept: one, merged: other }).ok) return;
    const mergeId = randomUUID();
    await this.change('merge', kept, merged, mergeId);
    this.mergedInto.set(merged, { kept, mergeId });
  }

  idOf(person: number): string {
    return this.personIds[person] ?? '';
  }

  survivorOf(person: number): number {
    const into = this.mergedInto.get(person);
    return into ? this.survivorOf(into.kept) : person;
  }

  private async split(merged: number): Promise<void> {
    const into = this.mergedInto.get(merged);
    if (!into) return;
    await this.change('split', into.kept, merged, into.mergeId);
    this.mergedInto.delete(merged);
  }

  private async erase(person: number): Promise<void> {
    const own = this.survivorOf(person);
    const ids = this.personIds.map((_, each) => each).filter((each) => this.survivorOf(each) === own);
    const erasureId = randomUUID();
    for (const each of ids.filter((id) => !this.erased.has(id))) {
      const personId = this.idOf(each);
      await this.write(new Map([[personId, { type: 'PersonErased', data: { personId, erasureId, keyHash: 'x' } }]]));
      this.erased.add(each);
    }
  }

  private async change(kind: 'merge' | 'split', kept: number, merged: number, mergeId: string): Promise<void> {
    const [keptPersonId, mergedPersonId] = [this.idOf(kept), this.idOf(merged)];
    const [one, other] = eventsOfChange({ kind, keptPersonId, mergedPersonId, mergeId });
    await this.write(
      new Map([
        [keptPersonId, one],
        [mergedPersonId, other],
      ]),
    );
  }

  private async write(events: ReadonlyMap<string, PersonEvent>): Promise<void> {
    const streams = await this.log.readStreams([...events.keys()].map(personStream));
    const writes = [...events].map(([personId, event]) => ({
      stream: personStream(personId),
      expectedRevision: revisionOf(streams, personStream(personId)),
      events: [actOf(event, nowMs, randomUUID())],
    }));
    expect(await appendOne(this.log, { writes })).toBeTruthy();
  }
}

describe('pairwise ids', () => {
  it('after any merges, splits and erasures are equal where sector and survivor are, else unrelated; none of the erased', async () => {
    let told = 0;
    let merged = 0;
    await fc.assert(
      fc.asyncProperty(steps, sectors, async (life, everySector) => {
        const world = new World();
        await world.begin();
        for (const step of life) await world.run(step);
        const pairwiseIds = new PairwiseIds(new Survivors(world.log), vaultOf());
        const meaning = new Map<string, string>();
        for (const sector of everySector) {
          const seen = new Map<number, string>();
          for (const [person, personId] of world.personIds.entries()) {
            const id = await pairwiseIds.of(sector, personId);
            const own = world.survivorOf(person);
            if (world.erased.has(own)) {
              expect(id).toBeNull();
              continue;
            }
            if (typeof id !== 'string') throw new Error('a living person has an id');
            told += 1;
            if (own !== person) merged += 1;
            expect(id).toMatch(/^[\w-]{43}$/);
            // One meaning in all sectors together: no id is said twice for two sectors, nor for two persons.
            const isSaid = meaning.get(id) ?? `${own} at ${sector}`;
            expect(isSaid).toBe(`${own} at ${sector}`);
            meaning.set(id, isSaid);
            expect(seen.get(own) ?? id).toBe(id);
            seen.set(own, id);
          }
        }
        expect(await pairwiseIds.of('service:library', newId(nowMs))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
    // The lives were worth looking at.
    expect(told).toBeGreaterThan(1_000);
    expect(merged).toBeGreaterThan(300);
  }, 60_000);

  it('are made with the key alone: another key, other ids; the same key, the same ids in every process', () => {
    fc.assert(
      fc.property(sector, fc.uuid(), (where, personId) => {
        const key = secretKey(randomBytes(32));
        const id = vaultOf(key).pairwiseId(where, personId);
        expect(vaultOf(key).pairwiseId(where, personId)).toBe(id);
        expect(vaultOf().pairwiseId(where, personId)).not.toBe(id);
        // Whoever has one of the ids in the streams' names does not have one of these.
        expect(keyedHash(key, 'subject', JSON.stringify([where, personId]))).not.toBe(id);
      }),
    );
  });

  it('never change: a key of the key directory gives the id that it gave before', () => {
    const key = secretKey(Buffer.alloc(32, 7));
    expect(vaultOf(key).pairwiseId('service:library', '019ab3f0-6c00-7000-8000-000000000001')).toBe(
      'iPQuHq9DC3f2521FUMSHUSpzBTC_FLaybyzGX-Z8ufU',
    );
  });
});
