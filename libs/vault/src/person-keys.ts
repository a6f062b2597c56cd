import { hash, type KeyObject, randomBytes } from 'node:crypto';
import { inTransaction } from '@tsunagu/event-store';
import { Problem } from '@tsunagu/service-host';
import type { Pool, PoolClient } from 'pg';
import { type MasterUse, sealRow, type VaultMasters } from './masters.js';
import { secretKey } from './seal.js';

/** Another writer of the same persons was first, or a master key was taken out: once more is enough for each. */
const attemptsMax = 4;

/** A row of vault_keys. */
export interface WrappedKey {
  readonly person_id: string;
  readonly wrapped: Buffer;
  readonly master_generation: number;
}

interface DestroyedKey {
  readonly person_id: string;
  readonly wrapped: null;
}

/** Keys of persons in table `vault_keys` of a service's schema, wrapped by the master key of `<service>-vault.secret`. */
export function personKeysOf(service: string): MasterUse {
  return {
    file: `${service}-vault`,
    table: 'vault_keys',
    id: 'person_id',
    sealed: 'wrapped',
    rows: 'keys of persons',
    context: ({ id }) => `${service} key of ${id}`,
  };
}

/** A random key a person, under which a service seals what it keeps of them. Destroying it makes all of that unreadable for good. */
export class PersonKeys {
  constructor(
    private readonly database: Pool,
    private readonly masters: VaultMasters,
  ) {}

  async unwrap({ person_id: id, wrapped: sealed, ...row }: WrappedKey, database?: Pick<Pool, 'query'>) {
    const dataKey = await this.masters.open<string>({ ...row, id, owner_id: null, sealed }, database);
    return secretKey(Buffer.from(dataKey, 'base64'));
  }

  /**
   * The key of each person, made where there is none, and none destroyed until the transaction ends. Throws `identity.erased` for a
   * key that was: the log is asked first, and here it is found out by whoever was already past that.
   */
  async of(client: PoolClient, given: readonly string[]): Promise<ReadonlyMap<string, KeyObject>> {
    // In one order, so that two writers of the same persons wait for each other instead of deadlocking.
    const personIds = [...new Set(given)].sort();
    const keys = new Map<string, KeyObject>();
    const missing = () => personIds.filter((personId) => !keys.has(personId));
    const add = async (rows: readonly (WrappedKey | DestroyedKey)[]) => {
      for (const row of rows) {
        if (row.wrapped === null) throw new Problem({ code: 'identity.erased' });
        keys.set(row.person_id, await this.unwrap(row, client));
      }
    };
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const found = await client.query<WrappedKey | DestroyedKey>(
        `select person_id, wrapped, master_generation from vault_keys where person_id = any($1::uuid[])
         order by person_id for key share`,
        [missing()],
      );
      await add(found.rows);
      if (missing().length > 0) await add(await this.make(client, missing()));
      if (missing().length === 0) return keys;
      await this.masters.look(client);
    }
    throw new Error('persons have no vault key after several attempts to make one');
  }

  /** SHA-256 of each person's key, however it is wrapped; a key is made where there is none, so that there is one to destroy. */
  async hashes(personIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const keys = await inTransaction(this.database, (client) => this.of(client, personIds));
    return new Map([...keys].map(([personId, key]) => [personId, keyHash(key)]));
  }

  /**
   * Destroys the keys, which must be those of the hashes, and `sealed` deletes what they sealed. The row of a key stays and keeps
   * another from being made; a key that was destroyed before is left alone.
   */
  async destroy(
    keyHashes: ReadonlyMap<string, string>,
    nowMs: number,
    sealed: (client: PoolClient, personIds: readonly string[]) => Promise<unknown>,
  ): Promise<void> {
    const personIds = [...keyHashes.keys()];
    await inTransaction(this.database, async (client) => {
      const { rows } = await client.query<WrappedKey>(
        `select person_id, wrapped, master_generation from vault_keys
         where person_id = any($1::uuid[]) and wrapped is not null order by person_id for update`,
        [personIds],
      );
      for (const row of rows) {
        if (keyHash(await this.unwrap(row, client)) !== keyHashes.get(row.person_id))
          throw new Error('a vault key that is not the one to destroy');
      }
      await sealed(client, personIds);
      await client.query(
        `update vault_keys set wrapped = null, destroyed_at = $2 where person_id = any($1::uuid[]) and wrapped is not null`,
        [personIds, new Date(nowMs)],
      );
    });
  }

  /** When the key of each was destroyed; those whose key was not are absent. */
  async destroyedAt(personIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.database.query<{ person_id: string; destroyed_at: Date }>(
      'select person_id, destroyed_at from vault_keys where person_id = any($1::uuid[]) and destroyed_at is not null',
      [personIds],
    );
    return new Map(rows.map((row) => [row.person_id, row.destroyed_at.toISOString()]));
  }

  /** Fewer where another writer was first, or where the master key has been taken out since this process looked. */
  private async make(client: PoolClient, personIds: readonly string[]): Promise<readonly WrappedKey[]> {
    const master = await this.masters.wrapping(client);
    const wrapped = personIds.map((id) =>
      sealRow(this.masters.use, master, { id, owner_id: null }, randomBytes(32).toString('base64')),
    );
    // Locked, so that the master key is not taken out before this is committed.
    const { rows } = await client.query<WrappedKey>(
      `insert into vault_keys (person_id, wrapped, master_generation)
       select person_id, wrapped, $3::int from unnest($1::uuid[], $2::bytea[]) as made (person_id, wrapped)
       where exists (select from vault_masters where generation = $3 for key share)
       on conflict (person_id) do nothing returning person_id, wrapped, master_generation`,
      [personIds, wrapped, master.generation],
    );
    return rows;
  }
}

/** 32 random bytes: nobody finds a key by its hash. */
function keyHash(key: KeyObject): string {
  return hash('sha256', key.export(), 'hex');
}
