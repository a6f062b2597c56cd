import type { KeyObject } from 'node:crypto';
import { ConfigError, loadOrCreateSecret, readSecret } from '@tsunagu/service-host';
import { keyedHash, open, seal, secretKey } from '@tsunagu/vault';
import type { Pool, PoolClient } from 'pg';

/** One generation of the key that wraps the keys of persons. */
export interface VaultMaster {
  readonly generation: number;
  readonly key: KeyObject;
}

/** A row of vault_keys. */
export interface WrappedKey {
  readonly wrapped: Buffer;
  readonly master_generation: number;
}

interface Registered {
  readonly generation: number;
  readonly fingerprint: string | null;
  readonly wraps: boolean;
}

type Queryable = Pick<Pool | PoolClient, 'query'>;

/** How long a process wraps with the generation that it knows to be the newest (real time). */
const lookAgainMs = 5_000;

/**
 * The generations of the vault's master key that this process has: those registered in `vault_masters` whose file in the key
 * directory holds the key that was registered. One that it meets and lacks is looked for once more.
 */
export class VaultMasters {
  private readonly keys = new Map<number, KeyObject>();
  private registered: readonly Registered[] = [];
  private lookedAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly database: Pool,
    private readonly keyDirectory: string,
  ) {}

  /** Throws ConfigError where the directory holds no master key to wrap with. */
  static async open(database: Pool, keyDirectory: string): Promise<VaultMasters> {
    await beginFirst(database, keyDirectory);
    const masters = new VaultMasters(database, keyDirectory);
    await masters.look();
    if (!masters.usable())
      throw new ConfigError(`There is no master key to wrap with: ${masters.lacking().join(', ')}.`);
    return masters;
  }

  /** The newest generation whose time has come and that this process has: one that it lacks is left to the others. */
  async wrapping(database: Queryable = this.database): Promise<VaultMaster> {
    if (performance.now() - this.lookedAt >= lookAgainMs) await this.look(database);
    const master = this.usable();
    if (!master) throw new Error(`there is no master key to wrap with: ${this.lacking().join(', ')}`);
    return master;
  }

  async unwrap(personId: string, { wrapped, master_generation: generation }: WrappedKey, database?: Queryable) {
    return secretKey(Buffer.from(unwrapped(await this.master(generation, database), personId, wrapped), 'base64'));
  }

  /** Throws where this process lacks it, also after it looked again. */
  async master(generation: number, database?: Queryable): Promise<VaultMaster> {
    if (!this.keys.has(generation)) await this.look(database);
    const key = this.keys.get(generation);
    if (key) return { generation, key };
    const known = this.registered.find((each) => each.generation === generation);
    throw new Error(known ? lackOf(known) : `master key ${generation} of the vault is not registered`);
  }

  /** Reads the registrations, and the files of those that it lacks. */
  async look(database: Queryable = this.database): Promise<void> {
    this.lookedAt = performance.now();
    const { rows } = await database.query<Registered>(
      `select generation, fingerprint, wraps_from <= now() as wraps from vault_masters order by generation`,
    );
    for (const { generation, fingerprint } of rows) {
      if (this.keys.has(generation)) continue;
      // A file that cannot be read, or is half there, is lacked and no reason not to go on with the others.
      const secret = await readSecret(this.keyDirectory, purposeOf(generation)).catch(() => undefined);
      const key = secret && secretKey(secret);
      if (key && fingerprintOf({ generation, key }) === fingerprint) this.keys.set(generation, key);
    }
    this.registered = rows;
  }

  /** Those of before it that this process has, the oldest first. */
  olderThan({ generation: limit }: VaultMaster): readonly VaultMaster[] {
    const older = this.registered.filter(({ generation }) => generation < limit);
    return older.flatMap(({ generation }) => {
      const key = this.keys.get(generation);
      return key ? [{ generation, key }] : [];
    });
  }

  /** What is wrong, for each registered generation that this process does not have. */
  lacking(): readonly string[] {
    return this.registered.filter(({ generation }) => !this.keys.has(generation)).map(lackOf);
  }

  private usable(): VaultMaster | undefined {
    const usable = this.registered.findLast(({ generation, wraps }) => wraps && this.keys.has(generation));
    const key = usable && this.keys.get(usable.generation);
    return key && { generation: usable.generation, key };
  }
}

/** What its file is called without the ending: `identity-vault` of the first generation, `identity-vault-2` of the second. */
export function purposeOf(generation: number): string {
  return generation === 1 ? 'identity-vault' : `identity-vault-${generation}`;
}

export function masterFile(generation: number): string {
  return `${purposeOf(generation)}.secret`;
}

export function fingerprintOf({ generation, key }: VaultMaster): string {
  return keyedHash(key, 'vault master', String(generation));
}

/** `dataKey` in base64. */
export function wrap({ key }: VaultMaster, personId: string, dataKey: string): Buffer {
  return seal(key, context(personId), dataKey);
}

/** Throws where another master key wrapped it, or for another person. */
export function unwrapped({ key }: VaultMaster, personId: string, wrapped: Buffer): string {
  return open<string>(key, context(personId), wrapped);
}

/** The same; undefined instead. */
export function unwrappedIfBy(master: VaultMaster, personId: string, wrapped: Buffer): string | undefined {
  try {
    return unwrapped(master, personId, wrapped);
  } catch {
    return undefined;
  }
}

function context(personId: string): string {
  return `identity key of ${personId}`;
}

function lackOf({ generation }: Registered): string {
  return `${masterFile(generation)} is missing in the key directory, or is not the key that was registered`;
}

/**
 * Registers what the first generation is. Its file is made only where no key of a person has ever been wrapped: with a new one instead
 * of one that was mislaid, nothing could be read.
 */
async function beginFirst(database: Pool, keyDirectory: string): Promise<void> {
  const { rows } = await database.query<{ is_used: boolean }>(
    `select exists (select from vault_keys) as is_used from vault_masters where generation = 1 and fingerprint is null`,
  );
  const [first] = rows;
  if (!first) return;
  const name = purposeOf(1);
  const secret = await (first.is_used ? readSecret(keyDirectory, name) : loadOrCreateSecret(keyDirectory, name));
  const master = secret && { generation: 1, key: secretKey(secret) };
  if (!master || !(await opensKeys(database, master))) {
    throw new ConfigError(
      `${masterFile(1)} is missing in the key directory, or is not the key that the vault's keys are wrapped by.`,
    );
  }
  await database.query(`update vault_masters set fingerprint = $1 where generation = 1 and fingerprint is null`, [
    fingerprintOf(master),
  ]);
}

/** Whether it opens a key that it is said to wrap; true where there is none. */
async function opensKeys(database: Pool, master: VaultMaster): Promise<boolean> {
  const { rows } = await database.query<{ person_id: string; wrapped: Buffer }>(
    'select person_id, wrapped from vault_keys where master_generation = $1 and wrapped is not null limit 1',
    [master.generation],
  );
  return rows.every(({ person_id: personId, wrapped }) => unwrappedIfBy(master, personId, wrapped) !== undefined);
}
