import type { Sector, Vault } from '../outbound/vault.js';
import type { Survivors } from './survivors.js';

/** What a member service or a provider may call a person, and nobody else can match with anything (decision 26). */
export class PairwiseIds {
  constructor(
    private readonly survivors: Survivors,
    private readonly vault: Pick<Vault, 'pairwiseId'>,
  ) {}

  /** Of merged persons the survivor's; null of somebody who is erased, undefined for an id of nobody. */
  async of(sector: Sector, personId: string): Promise<string | null | undefined> {
    const person = (await this.survivors.of([personId])).get(personId);
    if (!person) return undefined;
    return person.erasureId === null ? this.vault.pairwiseId(sector, person.personId) : null;
  }
}
