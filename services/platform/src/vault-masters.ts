import { definition, masterFile, mastersOf, retireMaster, rotateMaster } from '@tsunagu/identity';
import { isoTime } from '@tsunagu/kernel';
import { servicePool } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { withData } from './reach.js';
import { type Settings, UserError } from './settings.js';

/** Each master key of identity's vault, and how many keys of persons it wraps. */
export async function vaultLines(settings: Settings): Promise<readonly string[]> {
  const masters = await withIdentity(settings, mastersOf);
  return masters.map(({ generation, wrapsFrom, state, keyCount }) => {
    const since = wrapsFrom === null ? '' : ` from ${isoTime(wrapsFrom.getTime())}`;
    return `${`vault-${generation}`.padEnd(32)}${state}${since}, keys of persons: ${keyCount}`;
  });
}

/** Makes the next in the key directory; `knownMs` undefined: wrapped with after the usual time. Gives what to say. */
export async function rotateVault(
  settings: Settings,
  { directory, knownMs }: { readonly directory: string; readonly knownMs: number | undefined },
): Promise<string> {
  const made = await withIdentity(settings, (pool) => rotateMaster(pool, directory, knownMs));
  if (typeof made === 'string') throw new UserError(`No master key of the vault is made: ${made}.`);
  return `${masterFile(made)} is made. Every process of identity must have it in its key directory before vault-${made} wraps.`;
}

export async function retireVault(settings: Settings, name: string): Promise<string> {
  const generation = Number(/^vault-(\d{1,6})$/.exec(name)?.[1]);
  const refusal = await withIdentity(settings, (pool) => retireMaster(pool, generation));
  if (refusal) throw new UserError(`${name} stays: ${refusal}.`);
  return `${name} is taken out. Move ${masterFile(generation)} out of the key directory, to where it is kept for as long as backups of before.`;
}

/** Where the vault does not lie in the data directory, `OWNER_DATABASE_URL` names identity's database. */
async function withIdentity<T>(settings: Settings, work: (pool: Pool) => Promise<T>): Promise<T> {
  const inPool = async (url: string) => {
    const pool = servicePool({ url, schema: definition.schema, connectionsMax: 1 });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  };
  const elsewhere = process.env.OWNER_DATABASE_URL;
  return elsewhere ? inPool(elsewhere) : withData(settings, ({ databases }) => inPool(databases.owner));
}
