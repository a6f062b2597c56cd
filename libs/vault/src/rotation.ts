import { inTransaction } from '@tsunagu/event-store';
import { loadOrCreateSecret, readSecret } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import {
  columnsOf,
  fingerprintOf,
  type MasterUse,
  openedBy,
  type SealedRow,
  sealRow,
  secretOf,
  type VaultMaster,
} from './masters.js';
import { secretKey } from './seal.js';

/** A master key's file is in every process's key directory for so long before the first key is wrapped with it. */
export const knownFirstMs = 10 * 60_000;

const foreignKeyViolation = '23503';

export interface MasterGeneration {
  readonly generation: number;
  /** Null of the first. */
  readonly wrapsFrom: Date | null;
  readonly state: 'replaced' | 'wraps' | 'will wrap';
  /** Rows that it seals. */
  readonly rowCount: number;
}

export type MasterRefusal =
  | 'one is on its way already'
  | 'the directory lacks the one that wraps now'
  | 'no later one wraps yet'
  | 'something is still sealed by it'
  | 'there is no such key';

/** All that are registered, the oldest first. Counts over an index: seconds where there are tens of millions of persons. */
export async function mastersOf(database: Pool, { table }: MasterUse): Promise<readonly MasterGeneration[]> {
  const { rows } = await database.query<MasterGeneration>(
    `select generation, nullif(wraps_from, '-infinity') as "wrapsFrom",
       case when wraps_from > now() then 'will wrap'
         when generation = (select max(generation) from vault_masters where wraps_from <= now()) then 'wraps'
         else 'replaced' end as state,
       (select count(*)::int from ${table} where master_generation = generation) as "rowCount"
     from vault_masters order by generation`,
  );
  return rows;
}

/** Makes the next master key and registers it; keys are wrapped with it from `knownMs` on. One that was made and not registered is taken. */
export async function rotateMaster(
  database: Pool,
  keyDirectory: string,
  use: MasterUse,
  knownMs = knownFirstMs,
): Promise<number | MasterRefusal> {
  const { rows } = await database.query<{ generation: number; fingerprint: string | null; wraps: boolean }>(
    `select generation, fingerprint, wraps_from <= now() as wraps from vault_masters order by generation desc limit 1`,
  );
  const [newest] = rows;
  if (!newest?.wraps) return 'one is on its way already';
  const held = await readSecret(keyDirectory, secretOf(use, newest.generation));
  if (!held || fingerprintOf({ generation: newest.generation, key: secretKey(held) }) !== newest.fingerprint)
    return 'the directory lacks the one that wraps now';
  const generation = newest.generation + 1;
  const key = secretKey(await loadOrCreateSecret(keyDirectory, secretOf(use, generation)));
  const registered = await database.query(
    `insert into vault_masters (generation, fingerprint, wraps_from) values ($1, $2, now() + $3 * interval '1 millisecond')
     on conflict (generation) do nothing`,
    [generation, fingerprintOf({ generation, key }), knownMs],
  );
  return registered.rowCount === 1 ? generation : 'one is on its way already';
}

/** Takes the registration of a replaced master key out. Its file stays: backups of before need it. Gives undefined when it is done. */
export async function retireMaster(database: Pool, generation: number): Promise<MasterRefusal | undefined> {
  const { rows } = await database.query<{ is_replaced: boolean }>(
    `select exists (select from vault_masters later where later.generation > $1 and later.wraps_from <= now()) as is_replaced
     from vault_masters where generation = $1`,
    [generation],
  );
  if (!rows[0]) return 'there is no such key';
  if (!rows[0].is_replaced) return 'no later one wraps yet';
  try {
    await database.query('delete from vault_masters where generation = $1', [generation]);
  } catch (error) {
    if ((error as { code?: string }).code === foreignKeyViolation) return 'something is still sealed by it';
    throw error;
  }
  return undefined;
}

export interface RewrappedBatch {
  /** The last row of it; undefined when there are none after `after`. */
  readonly after: string | undefined;
  readonly rewrapped: number;
  /** Rows that do not open with their master key. They stay as they are. */
  readonly unopened: number;
}

/**
 * Seals the next rows of a generation with the one that wraps now. What they hold stays the same, a person's key and so all that it
 * seals, so that readers and writers go on; rows that somebody else holds for a moment are left to the next round.
 */
export async function rewrapBatch(
  database: Pool,
  use: MasterUse,
  { from, to }: { readonly from: VaultMaster; readonly to: VaultMaster },
  after: string,
  rowsMax: number,
): Promise<RewrappedBatch> {
  const { table, id, sealed } = use;
  return inTransaction(database, async (client) => {
    const { rows } = await client.query<SealedRow | DestroyedRow>(
      `select ${columnsOf(use)} from ${table} where master_generation = $1 and ${id} > $2
       order by ${id} limit $3 for no key update skip locked`,
      [from.generation, after, rowsMax],
    );
    const made = rows.flatMap((row): { readonly id: string; readonly again: Buffer | null }[] => {
      // A key that was destroyed has nothing to wrap; its row does not hold the old master key.
      if (row.sealed === null) return [{ id: row.id, again: null }];
      const value = openedBy(use, from, row);
      return value === undefined ? [] : [{ id: row.id, again: sealRow(use, to, row, value) }];
    });
    await client.query(
      `update ${table} set ${sealed} = made.sealed, master_generation = $3
       from unnest($1::uuid[], $2::bytea[]) as made (id, sealed) where ${table}.${id} = made.id`,
      [made.map((each) => each.id), made.map(({ again }) => again), to.generation],
    );
    return { after: rows.at(-1)?.id, rewrapped: made.length, unopened: rows.length - made.length };
  });
}

interface DestroyedRow extends Omit<SealedRow, 'sealed'> {
  readonly sealed: null;
}
