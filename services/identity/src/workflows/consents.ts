import type { EventLog } from '@tsunagu/event-store';
import { ok, type Result, refuse } from '@tsunagu/kernel';
import {
  type Consent,
  type ConsentEvent,
  type ConsentPurpose,
  consentPurposes,
  decideWithdrawal,
} from '../domain/consent.js';
import { fold, type Person, type PersonEvent, personStream } from '../domain/person.js';
import type { Vault } from '../outbound/vault.js';
import { type Acting, domainEvents, record } from '../recording.js';
import type { Survivors } from './survivors.js';

/** A consent a reading after each withdrawal: more than that nobody looks through. */
const listedMax = 100;

/** What a person lets be used, shown to them and withdrawn by them, under any id that means them. */
export class Consents {
  constructor(
    private readonly log: EventLog,
    private readonly vault: Pick<Vault, 'forgetWithdrawn'>,
    private readonly survivors: Survivors,
  ) {}

  /** Newest first. */
  async list(personId: string): Promise<readonly Consent[]> {
    const consents = (await this.survivors.all(personId)).flatMap((person) => person.consents);
    return consents.toSorted((a, b) => (a.givenAt < b.givenAt ? 1 : -1)).slice(0, listedMax);
  }

  /**
   * Recorded first, then forgotten. A repetition forgets again, because the first may have been cut off between the two, and answers
   * as the first did.
   */
  async withdraw(
    personId: string,
    purpose: string,
    acting: Acting,
  ): Promise<Result<Consent, 'request.not_found' | 'identity.consent_not_given'>> {
    if (!isPurpose(purpose)) return refuse('request.not_found');
    const personIds = await this.survivors.sameAs(personId);
    const names = personIds.map(personStream);
    const withdrawn = await record<ConsentEvent, 'identity.consent_not_given'>(this.log, names, acting, (streams) => {
      const persons = names.flatMap((name) => fold(domainEvents<PersonEvent>(streams, name)) ?? []);
      const decided = decideWithdrawal(stillOne(persons), purpose, acting.nowMs);
      if (!decided.ok) return decided;
      return ok(new Map([...decided.value].map(([id, event]) => [personStream(id), [event]])));
    });
    if (!withdrawn.ok) return withdrawn;
    for (const { personId: id, attributesWithdrawnAt } of await this.survivors.all(personId)) {
      if (attributesWithdrawnAt !== null) await this.vault.forgetWithdrawn(id, attributesWithdrawnAt);
    }
    const [newest] = await this.list(personId);
    return newest ? ok(newest) : refuse('identity.consent_not_given');
  }
}

function isPurpose(purpose: string): purpose is ConsentPurpose {
  return (consentPurposes as readonly string[]).includes(purpose);
}

/** The first one and whoever is still merged into them: a split between two looks leaves the parted person their own consent. */
function stillOne(persons: readonly Person[]): readonly Person[] {
  const [kept] = persons;
  const one = new Set(kept ? [kept.personId] : []);
  // Each stands after the one it is merged into.
  for (const { personId, mergedInto } of persons) if (mergedInto && one.has(mergedInto.personId)) one.add(personId);
  return persons.filter(({ personId }) => one.has(personId));
}
