import type { EventLog } from '@tsunagu/event-store';
import { fold, type Person, type PersonEvent, personStream } from '../domain/person.js';
import { domainEvents } from '../recording.js';

/** Merges upon merges; staff never come near it. */
const depthMax = 50;

/** Whom an id means today: both ids of a merge lead to the person that was kept. */
export class Survivors {
  constructor(private readonly log: EventLog) {}

  /** The person of each id; ids of nobody are absent. */
  async of(personIds: readonly string[]): Promise<ReadonlyMap<string, Person>> {
    const known = new Map<string, Person>();
    let wanted = [...new Set(personIds)];
    for (let depth = 0; wanted.length > 0; depth += 1) {
      if (depth === depthMax) throw new Error('persons are merged in a circle');
      for (const person of await this.read(wanted)) known.set(person.personId, person);
      wanted = [...known.values()].flatMap(({ mergedInto }) => {
        return mergedInto && !known.has(mergedInto.personId) ? [mergedInto.personId] : [];
      });
    }
    return new Map(
      personIds.flatMap((personId) => {
        const person = known.get(personId);
        return person ? [[personId, survivor(person, known)]] : [];
      }),
    );
  }

  /** The person of an id that is known to be somebody's. */
  async one(personId: string): Promise<Person> {
    const person = (await this.of([personId])).get(personId);
    if (!person) throw new Error('an id that belongs to nobody');
    return person;
  }

  /** All ids that mean whom an id means; an id of nobody means itself. */
  async sameAs(personId: string): Promise<readonly string[]> {
    const person = (await this.of([personId])).get(personId);
    return person ? this.idsOf(person) : [personId];
  }

  /** Whom an id means and everybody merged into them, each as they stand alone; none for an id of nobody. */
  async all(personId: string): Promise<readonly Person[]> {
    return this.read(await this.sameAs(personId));
  }

  /** All ids that mean the person, their own first. */
  async idsOf(person: Person): Promise<readonly string[]> {
    const ids = [person.personId];
    let absorbed = person.absorbed.map(({ personId }) => personId);
    while (absorbed.length > 0) {
      ids.push(...absorbed);
      absorbed = (await this.read(absorbed)).flatMap((each) => each.absorbed.map(({ personId }) => personId));
    }
    return ids;
  }

  private async read(personIds: readonly string[]): Promise<readonly Person[]> {
    const names = personIds.map(personStream);
    const streams = await this.log.readStreams(names);
    return names.flatMap((name) => fold(domainEvents<PersonEvent>(streams, name)) ?? []);
  }
}

function survivor(person: Person, known: ReadonlyMap<string, Person>): Person {
  let last = person;
  while (last.mergedInto) {
    const next = known.get(last.mergedInto.personId);
    if (!next) throw new Error('a person merged into nobody');
    last = next;
  }
  return last;
}
