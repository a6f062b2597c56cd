import { type KeyObject, randomBytes } from 'node:crypto';
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

  /** Of a subject of an OpenID issuer, whose URL is in the form that `URL` gives it. */
  subjectRef(issuer: string, subject: string): string {
    return keyedHash(this.keys.subjectHash, 'subject', JSON.stringify([issuer, subject]));
  }

  /** The same for the same name, birth date and sex, whichever card or login told them, and however it spaces the name. */
  attributesDigest({ name, birthDate, sex }: Attributes): string {
    return keyedHash(this.keys.attributesHash, 'person', JSON.stringify([spelling(name), birthDate, sex]));
  }

  /** Stores what is given of each person; older attributes do not replace newer ones. */
  async keep(records: readonly PersonRecord[], readAt: string): Promise<void> {
    const client = await this.database.connect();
    try {
      await client.query('BEGIN');
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
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /** Undefined when nothing is known or the person's key was destroyed. */
  async attributes(personId: string): Promise<Attributes | undefined> {
    return this.read<Attributes>(personId, 'attributes');
  }

  async myKeyId(personId: string): Promise<string | undefined> {
    return this.read<string>(personId, 'myKeyId');
  }

  private async read<T>(personId: string, kind: 'attributes' | 'myKeyId'): Promise<T | undefined> {
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
