import { type KeyObject, randomBytes } from 'node:crypto';
import { inTransaction } from '@tsunagu/event-store';
import { keyedHash, open, seal, secretKey } from '@tsunagu/vault';
import type { Pool, PoolClient } from 'pg';
import type { Attributes } from '../verification/attributes.js';

export interface PersonRecord {
  readonly personId: string;
  readonly attributes?: Attributes;
  readonly myKeyId?: string;
}

/** Keys of the key directory, each for one purpose. Only the master key may ever be exchanged: streams are named by the others. */
export interface IdentityKeys {
  readonly vaultMaster: KeyObject;
  readonly certificateHash: KeyObject;
  readonly myKeyIdHash: KeyObject;
  readonly attributesHash: KeyObject;
  readonly serviceIdHash: KeyObject;
  readonly subjectHash: KeyObject;
}

/** Attributes and MyKey IDs, encrypted with a key a person. Destroying the key makes them unreadable for good. */
export class Vault {
  constructor(
    private readonly database: Pool,
    private readonly keys: IdentityKeys,
  ) {}

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
      const personKeys = await this.personKeys(
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
    const { rows } = await this.database.query<{ person_id: string; wrapped: Buffer; sealed: Buffer }>(
      `select person_id, wrapped, sealed from vault_attributes join vault_keys using (person_id)
       where person_id = any($1::uuid[]) and kind = 'attributes'`,
      [personIds],
    );
    return new Map(
      rows.map(({ person_id: personId, wrapped, sealed }) => {
        return [personId, open<Attributes>(this.unwrap(personId, wrapped), context(personId, 'attributes'), sealed)];
      }),
    );
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

  /** One more thing that is known of a person, under a kind of its own; what was there before is replaced. */
  async keepSealed(personId: string, kind: string, value: unknown, at: string): Promise<void> {
    await inTransaction(this.database, async (client) => {
      const key = (await this.personKeys(client, [personId])).get(personId);
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
    const { rows } = await this.database.query<{ kind: string; wrapped: Buffer; sealed: Buffer; read_at: Date }>(
      `select kind, wrapped, sealed, read_at from vault_attributes join vault_keys using (person_id)
       where person_id = $1 and starts_with(kind, $2) order by read_at desc, kind`,
      [personId, prefix],
    );
    return rows.map(({ kind, wrapped, sealed, read_at: at }) => {
      const value = open<T>(this.unwrap(personId, wrapped), context(personId, kind), sealed);
      return { kind, value, at };
    });
  }

  /** Moves the time of something kept; false when it is not kept. */
  async touchSealed(personId: string, kind: string, at: string): Promise<boolean> {
    const touched = await this.database.query(
      'update vault_attributes set read_at = greatest(read_at, $3) where person_id = $1 and kind = $2',
      [personId, kind, at],
    );
    return touched.rowCount === 1;
  }

  private async read<T>(personId: string, kind: string): Promise<T | undefined> {
    const { rows } = await this.database.query<{ wrapped: Buffer; sealed: Buffer }>(
      `select wrapped, sealed from vault_attributes join vault_keys using (person_id) where person_id = $1 and kind = $2`,
      [personId, kind],
    );
    const [row] = rows;
    return row && open<T>(this.unwrap(personId, row.wrapped), context(personId, kind), row.sealed);
  }

  /** The key of each person, made where there is none. */
  private async personKeys(client: PoolClient, given: readonly string[]): Promise<ReadonlyMap<string, KeyObject>> {
    // In one order, so that two writers of the same persons wait for each other instead of deadlocking.
    const personIds = [...new Set(given)].sort();
    await client.query(
      `insert into vault_keys (person_id, wrapped) select * from unnest($1::uuid[], $2::bytea[])
       on conflict (person_id) do nothing`,
      [personIds, personIds.map((personId) => this.wrap(personId, randomBytes(32)))],
    );
    const { rows } = await client.query<{ person_id: string; wrapped: Buffer }>(
      'select person_id, wrapped from vault_keys where person_id = any($1::uuid[])',
      [personIds],
    );
    return new Map(rows.map((row) => [row.person_id, this.unwrap(row.person_id, row.wrapped)]));
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

  private wrap(personId: string, dataKey: Buffer): Buffer {
    return seal(this.keys.vaultMaster, context(personId, 'key'), dataKey.toString('base64'));
  }

  private unwrap(personId: string, wrapped: Buffer): KeyObject {
    const dataKey = open<string>(this.keys.vaultMaster, context(personId, 'key'), wrapped);
    return secretKey(Buffer.from(dataKey, 'base64'));
  }
}

/** A card writes an ideographic space between the names, a login may write another or none, and letters of either width. */
function spelling(name: string | null): string | null {
  return name === null ? null : name.normalize('NFKC').replace(/\s/g, '');
}

function context(personId: string, what: string): string {
  return `identity ${what} of ${personId}`;
}
