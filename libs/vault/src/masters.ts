import type { KeyObject } from 'node:crypto';
import { ConfigError, loadOrCreateSecret, readSecret } from '@tsunagu/service-host';
import type { Pool, PoolClient } from 'pg';
import { keyedHash, open, seal, secretKey } from './seal.js';

/** What the master key of a service seals: rows of one table. The names go into statements, so they are the service's own constants. */
export interface MasterUse {
  /** The file of the first generation without its ending: `identity-vault`; the second is `identity-vault-2`. */
  readonly file: string;
  readonly table: string;
  /** Its column of type uuid by which a row is known. */
  readonly id: string;
  /** Its column of type bytea. */
  readonly sealed: string;
  /** What the rows are, for operators: `keys of persons`. */
  readonly rows: string;
  /** Tables that hold what the first generation sealed in releases before: while they hold any, its file is not made. */
  readonly before?: readonly string[];
  /** Whose value it is: one that was moved to another row does not open. */
  context(row: Pick<SealedRow, 'id' | 'owner_id'>): string;
}

/** A row of such a table. */
export interface SealedRow {
  readonly id: string;
  readonly owner_id: string | null;
  readonly sealed: Buffer;
  readonly master_generation: number;
}

/** One generation of the key that seals them. */
export interface VaultMaster {
  readonly generation: number;
  readonly key: KeyObject;
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
 * The generations of a vault's master key that this process has: those registered in `vault_masters` whose file in the key
 * directory holds the key that was registered. One that it meets and lacks is looked for once more.
 */
export class VaultMasters {
  private readonly keys = new Map<number, KeyObject>();
  private registered: readonly Registered[] = [];
  private lookedAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly database: Pool,
    private readonly keyDirectory: string,
    readonly use: MasterUse,
  ) {}

  /** Throws ConfigError where the directory holds no master key to wrap with. */
  static async open(database: Pool, keyDirectory: string, use: MasterUse): Promise<VaultMasters> {
    await beginFirst(database, keyDirectory, use);
    const masters = new VaultMasters(database, keyDirectory, use);
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

  /** What a row holds. */
  async open<T>(row: SealedRow, database?: Queryable): Promise<T> {
    const { key } = await this.master(row.master_generation, database);
    return open<T>(key, this.use.context(row), row.sealed);
  }

  /** Throws where this process lacks it, also after it looked again. */
  async master(generation: number, database?: Queryable): Promise<VaultMaster> {
    if (!this.keys.has(generation)) await this.look(database);
    const key = this.keys.get(generation);
    if (key) return { generation, key };
    const known = this.registered.find((each) => each.generation === generation);
    throw new Error(known ? this.lackOf(known) : `master key ${generation} of the vault is not registered`);
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
      const secret = await readSecret(this.keyDirectory, secretOf(this.use, generation)).catch(() => undefined);
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
    return this.registered.filter(({ generation }) => !this.keys.has(generation)).map((each) => this.lackOf(each));
  }

  private usable(): VaultMaster | undefined {
    const usable = this.registered.findLast(({ generation, wraps }) => wraps && this.keys.has(generation));
    const key = usable && this.keys.get(usable.generation);
    return key && { generation: usable.generation, key };
  }

  private lackOf({ generation }: Registered): string {
    return `${masterFile(this.use, generation)} is missing in the key directory, or is not the key that was registered`;
  }
}

/** What its file is called without the ending: `identity-vault` of the first generation, `identity-vault-2` of the second. */
export function secretOf({ file }: MasterUse, generation: number): string {
  return generation === 1 ? file : `${file}-${generation}`;
}

export function masterFile(use: MasterUse, generation: number): string {
  return `${secretOf(use, generation)}.secret`;
}

export function fingerprintOf({ generation, key }: VaultMaster): string {
  return keyedHash(key, 'vault master', String(generation));
}

export function sealRow(
  { context }: MasterUse,
  { key }: VaultMaster,
  row: Pick<SealedRow, 'id' | 'owner_id'>,
  value: unknown,
) {
  return seal(key, context(row), value);
}

/** What a row holds; undefined where another master key sealed it, or for another row. */
export function openedBy<T>(
  { context }: MasterUse,
  { key }: VaultMaster,
  row: Omit<SealedRow, 'master_generation'>,
): T | undefined {
  try {
    return open<T>(key, context(row), row.sealed);
  } catch {
    return undefined;
  }
}

/**
 * Registers what the first generation is. Its file is made only where it has never sealed anything: with a new one instead of one that
 * was mislaid, nothing could be read.
 */
async function beginFirst(database: Pool, keyDirectory: string, use: MasterUse): Promise<void> {
  const isUsed = [use.table, ...(use.before ?? [])].map((table) => `exists (select from ${table})`).join(' or ');
  const { rows } = await database.query<{ is_used: boolean }>(
    `select ${isUsed} as is_used from vault_masters where generation = 1 and fingerprint is null`,
  );
  const [first] = rows;
  if (!first) return;
  const name = secretOf(use, 1);
  const secret = await (first.is_used ? readSecret(keyDirectory, name) : loadOrCreateSecret(keyDirectory, name));
  const master = secret && { generation: 1, key: secretKey(secret) };
  if (!master || !(await opensRows(database, use, master))) {
    throw new ConfigError(
      `${masterFile(use, 1)} is missing in the key directory, or is not the key that the vault's ${use.rows} are sealed by.`,
    );
  }
  await database.query(`update vault_masters set fingerprint = $1 where generation = 1 and fingerprint is null`, [
    fingerprintOf(master),
  ]);
}

/** Whether it opens a row that it is said to seal; true where there is none. */
async function opensRows(database: Pool, use: MasterUse, master: VaultMaster): Promise<boolean> {
  const { rows } = await database.query<SealedRow>(
    `select ${columnsOf(use)} from ${use.table} where master_generation = $1 and ${use.sealed} is not null limit 1`,
    [master.generation],
  );
  return rows.every((row) => openedBy(use, master, row) !== undefined);
}

/** The columns of a SealedRow. */
export function columnsOf({ id, sealed }: MasterUse): string {
  return `${id} as id, owner_id, ${sealed} as sealed, master_generation`;
}
