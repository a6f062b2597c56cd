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
import fc from 'fast-check';
import type { Pool } from 'pg';
import { definition } from './index.js';
import { BankVault, vaultUse } from './outbound/bank-vault.js';

const nobody = '00000000-0000-0000-0000-000000000000';

interface Instance {
  readonly vault: BankVault;
  readonly masters: VaultMasters;
}

describe('the master key of the vault of bank accounts', () => {
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
    await begin();
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** As after the migrations. */
  const begin = async () => {
    await pool.query(`truncate bank_accounts; delete from vault_masters;
      insert into vault_masters (generation, wraps_from) values (1, '-infinity')`);
    for (const name of await readdir(directory)) await rm(join(directory, name));
  };
  const start = async (): Promise<Instance> => {
    const masters = await VaultMasters.open(pool, directory, vaultUse);
    return { masters, vault: new BankVault(pool, masters) };
  };
  const rewrapSome = async ({ masters }: Instance, rowsMax = 200) => {
    await masters.look();
    const to = await masters.wrapping();
    for (const from of masters.olderThan(to)) await rewrapBatch(pool, vaultUse, { from, to }, nobody, rowsMax);
  };
  const rotate = () => rotateMaster(pool, directory, vaultUse, 0);

  it('is that of the releases before, and may be changed and taken out', async () => {
    const reference = newId(1);
    const key = secretKey(await loadOrCreateSecret(directory, 'exchange-settlement-vault'));
    const account = { accountNumber: '7654321' };
    // The statement of such a release.
    await pool.query('insert into bank_accounts (reference, owner_id, sealed) values ($1, $2, $3)', [
      reference,
      'demo',
      seal(key, `account ${reference} of demo`, account),
    ]);
    const instance = await start();
    expect(await instance.vault.read(reference, 'demo')).toEqual(account);
    await rotate();
    expect(await retireMaster(pool, 1)).toBe('something is still sealed by it');
    await rewrapSome(instance);
    expect(await retireMaster(pool, 1)).toBeUndefined();
    await rm(join(directory, 'exchange-settlement-vault.secret'));
    expect(await (await start()).vault.read(reference, 'demo')).toEqual(account);
    expect(await mastersOf(pool, vaultUse)).toMatchObject([{ generation: 2, rowCount: 1 }]);
  });

  it('is not made anew where the one that sealed the accounts is missing', async () => {
    const { vault } = await start();
    await vault.keep(newId(1), 'demo', { accountNumber: '1' });
    await rm(join(directory, 'exchange-settlement-vault.secret'));
    await expect(start()).rejects.toThrow('exchange-settlement-vault.secret is missing in the key directory');
  });

  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('keep' as const), who: fc.nat(1), account: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('rewrap' as const), who: fc.nat(1), rowsMax: fc.nat(2) }) },
    fc.record({ kind: fc.constant('restart' as const), who: fc.nat(1) }),
    fc.record({ kind: fc.constant('rotate' as const) }),
    fc.record({ kind: fc.constant('file only' as const) }),
    fc.record({ kind: fc.constant('retire' as const), generation: fc.integer({ min: 1, max: 4 }) }),
  );

  it('may be changed in any order of steps by two processes: both read everything, and what they wrote last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await begin();
        const instances = [await start(), await start()];
        const references = Array.from({ length: 4 }, () => newId(1));
        const kept = new Map<string, object>();
        const of = (who: number) => instances[who] as Instance;
        const readsAll = async ({ vault }: Instance) => {
          for (const [reference, account] of kept) expect(await vault.read(reference, 'demo')).toEqual(account);
        };
        for (const [at, each] of steps.entries()) {
          if (each.kind === 'keep') {
            const reference = references[each.account] ?? '';
            await of(each.who).vault.keep(reference, 'demo', { at });
            kept.set(reference, { at });
            await readsAll(of(1 - each.who));
          } else if (each.kind === 'rewrap') await rewrapSome(of(each.who), each.rowsMax + 1);
          else if (each.kind === 'restart') instances[each.who] = await start();
          else if (each.kind === 'rotate') await rotate();
          else if (each.kind === 'retire') await retireMaster(pool, each.generation);
          else {
            const newest = (await mastersOf(pool, vaultUse)).at(-1)?.generation ?? 0;
            await loadOrCreateSecret(directory, secretOf(vaultUse, newest + 1));
          }
        }
        for (const instance of [...instances, await start()]) await readsAll(instance);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('is changed without a refused read or write while others keep accounts', async () => {
    const instances = [await start(), await start()] as const;
    const change = async (generation: number) => {
      await rotate();
      for (let round = 0; round < 1_000; round += 1) {
        await Promise.all(instances.map((instance) => rewrapSome(instance, 3)));
        if ((await retireMaster(pool, generation)) === undefined) break;
      }
      await rm(join(directory, `${secretOf(vaultUse, generation)}.secret`));
    };
    let changed = Promise.resolve();
    const keeper = async (own: Instance, other: Instance, changes: readonly number[] = []) => {
      const references = Array.from({ length: 5 }, () => newId(1));
      for (let act = 0; act < 80; act += 1) {
        const generation = changes.indexOf(act) + 1;
        if (generation > 0) changed = changed.then(() => change(generation));
        const reference = references[act % references.length] ?? '';
        await own.vault.keep(reference, 'demo', { act });
        expect(await other.vault.read(reference, 'demo')).toEqual({ act });
      }
    };
    const [one, other] = instances;
    await Promise.all([keeper(one, other, [10, 40]), keeper(other, one)]);
    await changed;
    for (const instance of instances) await rewrapSome(instance);
    expect((await mastersOf(pool, vaultUse)).map(({ generation, rowCount }) => [generation, rowCount])).toEqual([
      [3, 10],
    ]);
  }, 60_000);
});
