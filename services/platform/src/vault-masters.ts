import { definition as exchangeSettlement, vaultUse as exchangeVault } from '@tsunagu/exchange-settlement';
import { definition as identity, vaultUse as identityVault } from '@tsunagu/identity';
import { isoTime } from '@tsunagu/kernel';
import { servicePool } from '@tsunagu/service-host';
import { vaultUse as linkVault, definition as serviceLink } from '@tsunagu/service-link';
import { type MasterUse, masterFile, mastersOf, retireMaster, rotateMaster } from '@tsunagu/vault';
import type { Pool } from 'pg';
import { withData } from './reach.js';
import { type Settings, UserError } from './settings.js';

/** The services that keep a vault. A master key is called by its file: `identity-vault-2`. */
const vaults: readonly { readonly service: string; readonly schema: string; readonly use: MasterUse }[] = [
  { service: identity.name, schema: identity.schema, use: identityVault },
  { service: serviceLink.name, schema: serviceLink.schema, use: linkVault },
  { service: exchangeSettlement.name, schema: exchangeSettlement.schema, use: exchangeVault },
];

interface OpenVault {
  readonly use: MasterUse;
  readonly pool: Pool;
}

/** Each master key of the vaults, and how much it seals. */
export function vaultLines(settings: Settings, service: string | undefined): Promise<readonly string[]> {
  return withVaults(settings, service, async (opened) => {
    const lines: string[] = [];
    for (const { use, pool } of opened) {
      for (const { generation, wrapsFrom, state, rowCount } of await mastersOf(pool, use)) {
        const since = wrapsFrom === null ? '' : ` from ${isoTime(wrapsFrom.getTime())}`;
        lines.push(`${`${use.file}-${generation}`.padEnd(32)}${state}${since}, ${use.rows}: ${rowCount}`);
      }
    }
    return lines;
  });
}

/** Makes the next of each in the key directory; `knownMs` undefined: sealed with after the usual time. Gives what was made, and why others were not. */
export function rotateVaults(
  settings: Settings,
  service: string | undefined,
  { directory, knownMs }: { readonly directory: string; readonly knownMs: number | undefined },
): Promise<{ readonly said: readonly string[]; readonly refused: readonly string[] }> {
  return withVaults(settings, service, async (opened) => {
    const said: string[] = [];
    const refused: string[] = [];
    for (const { use, pool } of opened) {
      const made = await rotateMaster(pool, directory, use, knownMs);
      if (typeof made === 'string') refused.push(`No master key ${use.file} is made: ${made}.`);
      else
        said.push(`${masterFile(use, made)} is made. Every process must have it in its key directory before it wraps.`);
    }
    return { said, refused };
  });
}

export async function retireVault(settings: Settings, name: string): Promise<string> {
  const [, file, number] = /^(.+-vault)-(\d{1,6})$/.exec(name) ?? [];
  const generation = Number(number);
  const meant = vaults.find(({ use }) => use.file === file);
  if (!meant) throw new UserError(`"${name}" is no master key of ${vaults.map(({ use }) => use.file).join(', ')}.`);
  const { use } = meant;
  const refusal = await withVaults(settings, meant.service, async ([opened]) =>
    opened ? retireMaster(opened.pool, generation) : 'there is no such key',
  );
  if (refusal) throw new UserError(`${name} stays: ${refusal}.`);
  return `${name} is taken out. Move ${masterFile(use, generation)} out of the key directory, to where it is kept for as long as backups of before.`;
}

/** Where they do not lie in the data directory, `OWNER_DATABASE_URL` names the database of one service: the vault that lies in it. */
async function withVaults<T>(
  settings: Settings,
  service: string | undefined,
  work: (opened: readonly OpenVault[]) => Promise<T>,
): Promise<T> {
  const wanted = vaults.filter((each) => service === undefined || each.service === service);
  if (wanted.length === 0)
    throw new UserError(`"${service}" keeps no vault; these do: ${vaults.map((each) => each.service).join(', ')}.`);
  const inPools = async (url: string) => {
    const pools: Pool[] = [];
    try {
      const opened: OpenVault[] = [];
      for (const { schema, use } of wanted) {
        const pool = servicePool({ url, schema, connectionsMax: 1 });
        pools.push(pool);
        const { rows } = await pool.query<{ is_there: boolean }>(
          `select to_regclass('vault_masters') is not null as is_there`,
        );
        if (rows[0]?.is_there) opened.push({ use, pool });
      }
      if (opened.length === 0) throw new UserError('There is no vault in this database.');
      return await work(opened);
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  };
  const elsewhere = process.env.OWNER_DATABASE_URL;
  return elsewhere ? inPools(elsewhere) : withData(settings, ({ databases }) => inPools(databases.owner));
}
