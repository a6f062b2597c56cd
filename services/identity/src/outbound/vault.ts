import type { KeyObject } from 'node:crypto';
import { inTransaction } from '@tsunagu/event-store';
import { keyedHash, open, PersonKeys, seal, type VaultMasters, type WrappedKey } from '@tsunagu/vault';
import type { Pool } from 'pg';
import type { Attributes } from '../verification/attributes.js';

export interface PersonRecord {
  readonly personId: string;
  readonly attributes?: Attributes;
  readonly myKeyId?: string;
}

/** Keys of the key directory, each for one purpose. They may never be exchanged, as the vault's master key may: streams and persons are named by them. */
export interface IdentityKeys {
  readonly certificateHash: KeyObject;
  readonly myKeyIdHash: KeyObject;
  readonly attributesHash: KeyObject;
  readonly serviceIdHash: KeyObject;
  readonly subjectHash: KeyObject;
  readonly pairwiseHash: KeyObject;
}

/** Who knows a person by an id of its own: a member service, or a provider with all its owners' contracts. */
export type Sector = `service:${string}` | `provider:${string}`;

/** Attributes and MyKey IDs, encrypted with a key a person. Destroying the key makes them unreadable for good. */
export class Vault {
  private readonly personKeys: PersonKeys;

  constructor(
    private readonly database: Pool,
    private readonly keys: IdentityKeys,
    masters: VaultMasters,
  ) {
    this.personKeys = new PersonKeys(database, masters);
  }

  certificateRef(certificateHash: string): string {
    return keyedHash(this.keys.certificateHash, 'certificate', certificateHash);
  }

  myKeyIdRef(myKeyId: string): string {
    return keyedHash(this.keys.myKeyIdHash, 'myKeyId', myKeyId);
  }

  serviceIdRef(service: string, serviceId: string): string {
    return keyedHash(this.keys.serviceIdHash, 'serviceId', `${service}\0${serviceId}`);
  }

  /** Of a subject of an OpenID issuer, whose URL is in the form that `URL` gives it. */
  subjectRef(issuer: string, subject: string): string {
    return keyedHash(this.keys.subjectHash, 'subject', JSON.stringify([issuer, subject]));
  }

  /** Of a member of staff: what the log's actors and access tokens call them. Another hash than a citizen's of the same login. */
  staffRef(issuer: string, subject: string): string {
    return keyedHash(this.keys.subjectHash, 'staff', JSON.stringify([issuer, subject]));
  }

  /** By which one sector knows a person; another sector's is unrelated, and without the key neither leads to the person id. */
  pairwiseId(sector: Sector, personId: string): string {
    return keyedHash(this.keys.pairwiseHash, 'pairwise', JSON.stringify([sector, personId]));
  }

  /** The same for the same name, birth date and sex, whichever card or login told them, and however it spaces the name. */
  attributesDigest({ name, birthDate, sex }: Attributes): string {
    return keyedHash(this.keys.attributesHash, 'person', JSON.stringify([spelling(name), birthDate, sex]));
  }

  /** Whether the digest says who somebody is: without a name or a birth date, it says the same of many. */
  isTelling({ name, birthDate }: Attributes): boolean {
    return name !== null && birthDate !== null;
  }

  /**
   * Keyed hashes of (name, birth date) and of (birth date, address): two persons who share one may be a double that the digest
   * does not show, because another part was read differently or has changed.
   */
  likeness({ name, birthDate, address }: Attributes): readonly string[] {
    if (birthDate === null) return [];
    const parts = { nameAndBirth: spelling(name), birthAndAddress: address };
    return Object.entries(parts).flatMap(([purpose, part]) =>
      part === null ? [] : [keyedHash(this.keys.attributesHash, purpose, JSON.stringify([birthDate, part]))],
    );
  }

  /** Stores what is given of each person; older attributes do not replace newer ones. */
  async keep(records: readonly PersonRecord[], readAt: string): Promise<void> {
    await inTransaction(this.database, async (client) => {
      const personKeys = await this.personKeys.of(
        client,
        records.map(({ personId }) => personId),
      );
      const rows = records.flatMap((record) => this.sealed(record, personKeys.get(record.personId), readAt));
      await client.query(
        `insert into vault_attributes as kept (person_id, kind, sealed, read_at)
         select * from unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[])
         on conflict (person_id, kind) do update set sealed = excluded.sealed, read_at = excluded.read_at
         where kept.read_at <= excluded.read_at`,
        [0, 1, 2, 3].map((column) => rows.map((row) => row[column])),
      );
    });
  }

  /** Undefined when nothing is known or the person's key was destroyed. */
  async attributes(personId: string): Promise<Attributes | undefined> {
    return this.read<Attributes>(personId, 'attributes');
  }

  /** Of many persons with one query; those of whom nothing is known are absent. */
  async attributesOf(personIds: readonly string[]): Promise<ReadonlyMap<string, Attributes>> {
    const { rows } = await this.database.query<WrappedKey & { sealed: Buffer }>(
      `select person_id, wrapped, master_generation, sealed from vault_attributes join vault_keys using (person_id)
       where person_id = any($1::uuid[]) and kind = 'attributes'`,
      [personIds],
    );
    const opened = rows.map(async ({ sealed, ...wrapped }) => {
      const { person_id: personId } = wrapped;
      const key = await this.personKeys.unwrap(wrapped);
      return [personId, open<Attributes>(key, context(personId, 'attributes'), sealed)] as const;
    });
    return new Map(await Promise.all(opened));
  }

  async myKeyId(personId: string): Promise<string | undefined> {
    return this.read<string>(personId, 'myKeyId');
  }

  /** Attributes read since a moment are of somebody else: nothing is known until they are read again. */
  async forgetAttributes(personId: string, readSince: string): Promise<void> {
    await this.database.query(
      `delete from vault_attributes where person_id = $1 and kind = 'attributes' and read_at >= $2`,
      [personId, readSince],
    );
  }

  /** What was read until a withdrawal is not kept; a person who has consented anew since then has newer ones. */
  async forgetWithdrawn(personId: string, withdrawnAt: string): Promise<void> {
    await this.database.query(
      `delete from vault_attributes where person_id = $1 and kind = 'attributes' and read_at <= $2`,
      [personId, withdrawnAt],
    );
  }

  /** One more thing that is known of a person, under a kind of its own; what was there before is replaced. */
  async keepSealed(personId: string, kind: string, value: unknown, at: string): Promise<void> {
    await inTransaction(this.database, async (client) => {
      const key = (await this.personKeys.of(client, [personId])).get(personId);
      if (!key) throw new Error('a person without a vault key');
      await client.query(
        `insert into vault_attributes (person_id, kind, sealed, read_at) values ($1, $2, $3, $4)
         on conflict (person_id, kind) do update set sealed = excluded.sealed, read_at = excluded.read_at`,
        [personId, kind, seal(key, context(personId, kind), value), at],
      );
    });
  }

  /** Undefined when it is not kept or the person's key was destroyed. */
  async openSealed<T>(personId: string, kind: string): Promise<T | undefined> {
    return this.read<T>(personId, kind);
  }

  /** Everything of a person whose kind begins so, newest first. */
  async openSealedOf<T>(
    personId: string,
    prefix: string,
  ): Promise<readonly { readonly kind: string; readonly value: T; readonly at: Date }[]> {
    const { rows } = await this.database.query<{ kind: string; sealed: Buffer; read_at: Date } & WrappedKey>(
      `select kind, person_id, wrapped, master_generation, sealed, read_at from vault_attributes join vault_keys using (person_id)
       where person_id = $1 and starts_with(kind, $2) order by read_at desc, kind`,
      [personId, prefix],
    );
    const opened = rows.map(async ({ kind, sealed, read_at: at, ...wrapped }) => {
      const value = open<T>(await this.personKeys.unwrap(wrapped), context(personId, kind), sealed);
      return { kind, value, at };
    });
    return Promise.all(opened);
  }

  /** Moves the time of something kept; false when it is not kept. */
  async touchSealed(personId: string, kind: string, at: string): Promise<boolean> {
    const touched = await this.database.query(
      'update vault_attributes set read_at = greatest(read_at, $3) where person_id = $1 and kind = $2',
      [personId, kind, at],
    );
    return touched.rowCount === 1;
  }

  /** SHA-256 of each person's key; one is made where there is none. */
  keyHashes(personIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.personKeys.hashes(personIds);
  }

  /** Destroys what was sealed and the keys, which must be those of the hashes. */
  destroyKeys(keyHashes: ReadonlyMap<string, string>, nowMs: number): Promise<void> {
    return this.personKeys.destroy(keyHashes, nowMs, (client, personIds) =>
      client.query('delete from vault_attributes where person_id = any($1::uuid[])', [personIds]),
    );
  }

  /** When the key of each was destroyed; those whose key was not are absent. */
  destroyedAt(personIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.personKeys.destroyedAt(personIds);
  }

  private async read<T>(personId: string, kind: string): Promise<T | undefined> {
    const { rows } = await this.database.query<{ sealed: Buffer } & WrappedKey>(
      `select person_id, wrapped, master_generation, sealed from vault_attributes join vault_keys using (person_id)
       where person_id = $1 and kind = $2`,
      [personId, kind],
    );
    const [row] = rows;
    return row && open<T>(await this.personKeys.unwrap(row), context(personId, kind), row.sealed);
  }

  private sealed(record: PersonRecord, key: KeyObject | undefined, readAt: string): [string, string, Buffer, string][] {
    const { personId, attributes, myKeyId } = record;
    if (!key) throw new Error('a person without a vault key');
    const rows: [string, string, Buffer, string][] = [];
    if (attributes) {
      rows.push([personId, 'attributes', seal(key, context(personId, 'attributes'), attributes), attributes.readAt]);
    }
    if (myKeyId !== undefined)
      rows.push([personId, 'myKeyId', seal(key, context(personId, 'myKeyId'), myKeyId), readAt]);
    return rows;
  }
}

/** A card writes an ideographic space between the names, a login may write another or none, and letters of either width. */
function spelling(name: string | null): string | null {
  return name === null ? null : name.normalize('NFKC').replace(/\s/g, '');
}

function context(personId: string, what: string): string {
  return `identity ${what} of ${personId}`;
}
