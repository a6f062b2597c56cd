import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@tsunagu/kernel';
import { loadOrCreateSecret } from '@tsunagu/service-host';
import { startTestDatabase } from '@tsunagu/service-host/testing';
import {
  mastersOf,
  retireMaster,
  rewrapBatch,
  rotateMaster,
  seal,
  secretKey,
  secretOf,
  VaultMasters,
} from '@tsunagu/vault';
import type { Pool } from 'pg';
import { definition } from './index.js';
import { LinkVault, type OwnedLink, vaultUse } from './outbound/link-vault.js';

const nobody = '00000000-0000-0000-0000-000000000000';

/** A process of the service, as far as its vault goes. */
interface Instance {
  readonly vault: LinkVault;
  readonly masters: VaultMasters;
}

describe('the vault of links', () => {
  let database: Awaited<ReturnType<typeof startTestDatabase>>;
  let pool: Pool;
  let directory: string;

  beforeAll(async () => {
    database = await startTestDatabase(definition);
    pool = database.pool;
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsunagu-vault-'));
    await pool.query(`truncate vault_keys, link_secrets, link_accounts, links; delete from vault_masters;
      insert into vault_masters (generation, wraps_from) values (1, '-infinity')`);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const start = async (): Promise<Instance> => {
    const masters = await VaultMasters.open(pool, directory, vaultUse);
    const hashKey = secretKey(await loadOrCreateSecret(directory, 'service-link-accounts'));
    return { masters, vault: new LinkVault(pool, masters, hashKey) };
  };
  const link = (personId = newId(1)): OwnedLink => ({ linkId: newId(1), personId });
  const typed = (providerAccountId: string) => ({ providerAccountId, securityCode: '0000' });
  const rewrapSome = async ({ masters }: Instance, rowsMax = 200) => {
    await masters.look();
    const to = await masters.wrapping();
    for (const from of masters.olderThan(to)) await rewrapBatch(pool, vaultUse, { from, to }, nobody, rowsMax);
  };
  const generations = async () =>
    (await mastersOf(pool, vaultUse)).map(({ generation, rowCount }) => [generation, rowCount]);

  it('changes its master key without a refused read or write, by two processes at once, again and again', async () => {
    const instances = [await start(), await start()] as const;
    const shared = Array.from({ length: 8 }, () => link());
    const kept = new Map<string, string>();
    const change = async (generation: number) => {
      expect(await rotateMaster(pool, directory, vaultUse, 0)).toBe(generation + 1);
      for (let round = 0; round < 1_000; round += 1) {
        await Promise.all(instances.map((instance) => rewrapSome(instance, 3)));
        if ((await retireMaster(pool, generation)) === undefined) break;
      }
      await rm(join(directory, `${secretOf(vaultUse, generation)}.secret`));
    };
    let changed = Promise.resolve();
    const citizen = async (own: Instance, other: Instance, changes: readonly number[] = []) => {
      for (let act = 0; act < 80; act += 1) {
        const generation = changes.indexOf(act) + 1;
        if (generation > 0) changed = changed.then(() => change(generation));
        const owner = shared[(act * 3) % shared.length];
        const each = act % 3 === 0 ? link() : link(owner?.personId);
        kept.set(each.linkId, `account ${act}`);
        await own.vault.keepSecrets(each, typed(`account ${act}`));
        expect(await other.vault.secrets(each.linkId)).toEqual(typed(`account ${act}`));
      }
    };
    const [one, other] = instances;
    await Promise.all([citizen(one, other, [10, 40]), citizen(other, one)]);
    await changed;
    for (const instance of instances) await rewrapSome(instance);
    const after = await start();
    for (const [linkId, account] of kept) expect(await after.vault.secrets(linkId)).toEqual(typed(account));
    const { rows } = await pool.query('select count(*)::int as count from vault_keys');
    expect(await generations()).toEqual([[3, rows[0].count]]);
    expect((await readdir(directory)).sort()).toEqual(['service-link-accounts.secret', 'service-link-vault-3.secret']);
  }, 60_000);

  it('takes over what a release before sealed with the master key itself, which stays as long as that takes', async () => {
    const master = secretKey(await loadOrCreateSecret(directory, 'service-link-vault'));
    const [first, second] = [link(), link()];
    const account = { providerAccountRef: 'sp-1', maskedName: '試＊' };
    // The statements of that release.
    for (const { linkId, personId } of [first, second]) {
      await pool.query(
        `insert into links (link_id, person_id, provider_id, programme_id, state, requested_at)
         values ($1, $2, 'sim-pay', 'default', 'requested', now())`,
        [linkId, personId],
      );
      await pool.query('insert into link_secrets (link_id, sealed) values ($1, $2) on conflict (link_id) do nothing', [
        linkId,
        seal(master, `secrets of ${linkId}`, typed('12345678')),
      ]);
      await pool.query('insert into link_accounts (link_id, reference_key, sealed) values ($1, $2, $3)', [
        linkId,
        'key',
        seal(master, `account of ${linkId}`, account),
      ]);
    }
    const instance = await start();
    expect(await instance.vault.secrets(first.linkId)).toEqual(typed('12345678'));
    const copy = link();
    await instance.vault.copyAccounts(first.linkId, copy);
    await rotateMaster(pool, directory, vaultUse, 0);
    await rewrapSome(instance);
    expect(await retireMaster(pool, 1)).toBe('something is still sealed by it');
    await instance.vault.erase(second.personId, await instance.vault.keyHash(second.personId), 0);
    expect(await instance.vault.linksWithAccounts(second.personId)).toEqual([]);
    await instance.vault.sealOlder(1);
    await rewrapSome(instance);
    expect(await retireMaster(pool, 1)).toBeUndefined();
    await rm(join(directory, 'service-link-vault.secret'));
    const after = await start();
    expect(await after.vault.secrets(first.linkId)).toEqual(typed('12345678'));
    expect(await after.vault.linksWithAccounts(first.personId)).toEqual([first.linkId]);
    const { rows } = await pool.query('select link_id, master_generation from link_accounts order by link_id');
    const ids = [first.linkId, copy.linkId].sort();
    expect(rows).toEqual(ids.map((linkId) => ({ link_id: linkId, master_generation: null })));
  });

  it('is not begun with another file while a release before has sealed anything', async () => {
    const { linkId } = link();
    const master = secretKey(await loadOrCreateSecret(directory, 'service-link-vault'));
    await pool.query('insert into link_secrets (link_id, sealed) values ($1, $2)', [linkId, seal(master, 'x', 1)]);
    await rm(join(directory, 'service-link-vault.secret'));
    await expect(start()).rejects.toThrow('service-link-vault.secret is missing in the key directory');
  });

  it('seals nothing for an erased person, whoever was already past the question', async () => {
    const [one, other] = [await start(), await start()];
    const { personId } = link();
    const links = Array.from({ length: 20 }, () => link(personId));
    await one.vault.keepSecrets(links[0] as OwnedLink, typed('0'));
    const keyHash = await one.vault.keyHash(personId);
    const writes = links
      .slice(1)
      .map((each, at) =>
        (at % 2 === 0 ? one : other).vault.keepSecrets(each, typed(`${at}`)).catch((error) => error.refusal?.code),
      );
    const [, ...outcomes] = await Promise.all([other.vault.erase(personId, keyHash, 0), ...writes]);
    for (const outcome of outcomes) expect([undefined, 'identity.erased']).toContain(outcome);
    const left = await pool.query('select 1 from link_secrets');
    expect(left.rowCount).toBe(0);
    await expect(other.vault.keyHash(personId)).rejects.toMatchObject({ refusal: { code: 'identity.erased' } });
  });
});
