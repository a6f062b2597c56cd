import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoTime, japanDay, newId } from '@tsunagu/kernel';
import { loadOrCreateSecret } from '@tsunagu/service-host';
import { startTestDatabase } from '@tsunagu/service-host/testing';
import { mastersOf, retireMaster, rewrapBatch, rotateMaster, secretOf, VaultMasters } from '@tsunagu/vault';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { tableDate } from './domain/residence.js';
import { definition } from './index.js';
import { identityKeys, vaultUse } from './keys.js';
import { Vault } from './outbound/vault.js';
import type { Attributes } from './verification/attributes.js';

const nowMs = Date.parse('2026-11-20T10:00:00+09:00');
const readAt = isoTime(nowMs);
const nobody = '00000000-0000-0000-0000-000000000000';

/** A process of identity, as far as its vault goes. */
interface Instance {
  readonly vault: Vault;
  readonly masters: VaultMasters;
}

describe('the master key of the vault', () => {
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
    await pool.query(`truncate vault_keys, vault_attributes; delete from vault_masters;
      insert into vault_masters (generation, wraps_from) values (1, '-infinity')`);
    for (const name of await readdir(directory)) await rm(join(directory, name));
  };
  const start = async (keyDirectory = directory): Promise<Instance> => {
    const masters = await VaultMasters.open(pool, keyDirectory, vaultUse);
    return { masters, vault: new Vault(pool, await identityKeys(keyDirectory), masters) };
  };
  const keep = async ({ vault }: Instance, name: string, personId = newId(nowMs)) => {
    await vault.keep([{ personId, attributes: attributes(name) }], readAt);
    return personId;
  };
  const nameOf = async ({ vault }: Instance, personId: string) => (await vault.attributes(personId))?.name;
  const rotate = async (knownMs = 0) => rotateMaster(pool, directory, vaultUse, knownMs);
  const generations = async () =>
    (await mastersOf(pool, vaultUse)).map(({ generation, rowCount }) => [generation, rowCount]);
  /** One batch by that process. */
  const rewrapSome = async ({ masters }: Instance, rowsMax = 200) => {
    await masters.look();
    const to = await masters.wrapping();
    for (const from of masters.olderThan(to)) {
      const done = await rewrapBatch(pool, vaultUse, { from, to }, nobody, rowsMax);
      if (done.rewrapped > 0) return done;
    }
    return undefined;
  };

  it('is made at the first start; after that a file that is missing or another is no reason to make one', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const personId = await keep(one, 'first');
    expect(await nameOf(other, personId)).toBe('first');
    const elsewhere = await mkdtemp(join(tmpdir(), 'tsunagu-vault-'));
    const refusal = /identity-vault\.secret is missing in the key directory, or is not the key that was registered/;
    await expect(start(elsewhere)).rejects.toThrow(refusal);
    expect(await readdir(elsewhere)).toEqual([]);
    await writeFile(join(elsewhere, 'identity-vault.secret'), Buffer.alloc(32, 7).toString('base64url'));
    await expect(start(elsewhere)).rejects.toThrow(refusal);
    await rm(elsewhere, { recursive: true });
    expect(await nameOf(await start(), personId)).toBe('first');
  });

  it('of data from before generations is recognised by the keys that it wraps', async () => {
    const personId = await keep(await start(), 'before');
    await pool.query('update vault_masters set fingerprint = null');
    const elsewhere = await mkdtemp(join(tmpdir(), 'tsunagu-vault-'));
    await expect(start(elsewhere)).rejects.toThrow('identity-vault.secret is missing');
    await writeFile(join(elsewhere, 'identity-vault.secret'), Buffer.alloc(32, 7).toString('base64url'));
    await expect(start(elsewhere)).rejects.toThrow("not the key that the vault's keys of persons are sealed by");
    await rm(elsewhere, { recursive: true });
    expect(await nameOf(await start(), personId)).toBe('before');
    expect((await pool.query('select fingerprint from vault_masters')).rows).toEqual([
      { fingerprint: expect.any(String) },
    ]);
  });

  it('wraps only when its time has come, and is taken out only when it wraps nothing', async () => {
    const instance = await start();
    const personId = await keep(instance, 'old');
    expect(await retireMaster(pool, 1)).toBe('no later one wraps yet');
    expect(await rotate(60_000)).toBe(2);
    expect(await rotate()).toBe('one is on its way already');
    await instance.masters.look();
    await keep(instance, 'meanwhile');
    expect(await generations()).toEqual([
      [1, 2],
      [2, 0],
    ]);
    expect(await rewrapSome(instance)).toBeUndefined();
    await pool.query('update vault_masters set wraps_from = now() where generation = 2');
    expect(await retireMaster(pool, 1)).toBe('something is still sealed by it');
    await rewrapSome(instance);
    await keep(instance, 'new');
    expect(await generations()).toEqual([
      [1, 0],
      [2, 3],
    ]);
    expect(await retireMaster(pool, 1)).toBeUndefined();
    expect(await retireMaster(pool, 1)).toBe('there is no such key');
    expect(await retireMaster(pool, 2)).toBe('no later one wraps yet');
    await rm(join(directory, 'identity-vault.secret'));
    const later = await start();
    expect(await nameOf(later, personId)).toBe('old');
    expect((await readdir(directory)).filter((name) => name.startsWith('identity-vault'))).toEqual([
      'identity-vault-2.secret',
    ]);
    expect(await rotate()).toBe(3);
  });

  it('is wrapped with by nobody who still believes in it after it was taken out', async () => {
    const late = await start();
    await keep(late, 'before');
    await rotate();
    await rewrapSome(await start());
    expect(await retireMaster(pool, 1)).toBeUndefined();
    const personId = await keep(late, 'after');
    expect(await nameOf(await start(), personId)).toBe('after');
    expect(await generations()).toEqual([[2, 2]]);
  });

  it('is not wrapped with while it is being taken out: who is about to waits, and takes the next', async () => {
    const late = await start();
    await rotate();
    const client = await pool.connect();
    await client.query('begin');
    await client.query('delete from vault_masters where generation = 1');
    const keeping = keep(late, 'at the same moment');
    const waits = `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as is_so`;
    while (!(await pool.query<{ is_so: boolean }>(waits)).rows[0]?.is_so);
    await client.query('commit');
    client.release();
    expect(await nameOf(late, await keeping)).toBe('at the same moment');
    expect(await generations()).toEqual([[2, 1]]);
  });

  it('that one process lacks, or has wrong, is named by it; the others go on and nothing is lost', async () => {
    const own = await mkdtemp(join(tmpdir(), 'tsunagu-vault-'));
    const whole = await start();
    const secret = 'identity-vault-2.secret';
    for (const name of await readdir(directory)) await copyFile(join(directory, name), join(own, name));
    const lacking = await start(own);
    const old = await keep(whole, 'old');
    await rotate();
    await writeFile(join(own, secret), Buffer.alloc(32, 9).toString('base64url'));
    await whole.masters.look();
    await lacking.masters.look();
    const written = await keep(whole, 'new');
    const here = await keep(lacking, 'written here');
    await rewrapSome(lacking);
    expect(await generations()).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(await nameOf(lacking, old)).toBe('old');
    await expect(lacking.vault.attributes(written)).rejects.toThrow(`${secret} is missing in the key directory`);
    await rewrapSome(whole);
    expect(await retireMaster(pool, 1)).toBeUndefined();
    await expect(start(own)).rejects.toThrow(secret);
    await writeFile(join(own, secret), 'half a f');
    await expect(keep(lacking, 'refused')).rejects.toThrow('is missing in the key directory');
    await rm(join(own, secret));
    await expect(lacking.vault.attributes(old)).rejects.toThrow('is missing in the key directory');
    await copyFile(join(directory, secret), join(own, secret));
    for (const [personId, name] of [
      [old, 'old'],
      [written, 'new'],
      [here, 'written here'],
    ] as const)
      expect(await nameOf(lacking, personId)).toBe(name);
    await rm(own, { recursive: true });
  });

  it('is not made from a directory that lacks the one before', async () => {
    await keep(await start(), 'old');
    const elsewhere = await mkdtemp(join(tmpdir(), 'tsunagu-vault-'));
    expect(await rotateMaster(pool, elsewhere, vaultUse, 0)).toBe('the directory lacks the one that wraps now');
    expect(await readdir(elsewhere)).toEqual([]);
    await rm(elsewhere, { recursive: true });
  });

  it('leaves a key that does not open as it is, and rewraps the others', async () => {
    const instance = await start();
    const [damaged, sound] = [await keep(instance, 'damaged'), await keep(instance, 'sound')];
    const { rows } = await pool.query('select wrapped from vault_keys where person_id = $1', [damaged]);
    await pool.query(`update vault_keys set wrapped = '\\x00' where person_id = $1`, [damaged]);
    await rotate();
    expect(await rewrapSome(instance)).toEqual({ after: sound, rewrapped: 1, unopened: 1 });
    expect(await retireMaster(pool, 1)).toBe('something is still sealed by it');
    await pool.query(`update vault_keys set wrapped = $2 where person_id = $1`, [damaged, rows[0].wrapped]);
    expect(await nameOf(instance, damaged)).toBe('damaged');
  });

  it('is not held by a key that was destroyed', async () => {
    const instance = await start();
    const [destroyed, kept] = [await keep(instance, 'destroyed'), await keep(instance, 'kept')];
    const hashes = await instance.vault.keyHashes([destroyed]);
    await rotate();
    await instance.vault.destroyKeys(hashes, nowMs);
    expect(await rewrapSome(instance)).toEqual({ after: kept, rewrapped: 2, unopened: 0 });
    expect(await retireMaster(pool, 1)).toBeUndefined();
    const { rows } = await pool.query('select person_id from vault_keys where wrapped is null');
    expect(rows).toEqual([{ person_id: destroyed }]);
    expect(await nameOf(instance, kept)).toBe('kept');
    await expect(keep(instance, 'again', destroyed)).rejects.toThrow('identity.erased');
  });

  it('is changed under a key that is to be destroyed: it is the same key', async () => {
    const instance = await start();
    const personId = await keep(instance, 'erased');
    const hashes = await instance.vault.keyHashes([personId]);
    await rotate();
    await rewrapSome(instance);
    await instance.vault.destroyKeys(hashes, nowMs);
    expect(await instance.vault.destroyedAt([personId])).toEqual(new Map([[personId, readAt]]));
    expect(await nameOf(instance, personId)).toBeUndefined();
  });

  it('passes over a key that somebody else holds, and waits for nobody', async () => {
    const instance = await start();
    const [held, free] = [await keep(instance, 'held'), await keep(instance, 'free')];
    await rotate();
    const client = await pool.connect();
    await client.query('begin');
    await client.query('select from vault_keys where person_id = $1 for update', [held]);
    expect(await rewrapSome(instance)).toEqual({ after: free, rewrapped: 1, unopened: 0 });
    await client.query('rollback');
    client.release();
    expect(await rewrapSome(instance)).toEqual({ after: held, rewrapped: 1, unopened: 0 });
  });

  it('is changed without a refused read or write, by two processes at once, again and again', async () => {
    const instances = [await start(), await start()] as const;
    const shared = await Promise.all(Array.from({ length: 40 }, (_, at) => keep(instances[0], `shared ${at}`)));
    const names = new Map(shared.map((personId, at) => [personId, `shared ${at}`]));
    const change = async (generation: number) => {
      expect(await rotate()).toBe(generation + 1);
      for (let round = 0; round < 1_000; round += 1) {
        await Promise.all(instances.map((instance) => rewrapSome(instance, 20)));
        if ((await retireMaster(pool, generation)) === undefined) break;
      }
      await rm(join(directory, `${secretOf(vaultUse, generation)}.secret`));
    };
    let changed = Promise.resolve();
    const citizen = async (own: Instance, other: Instance, changes: readonly number[] = []) => {
      for (let act = 0; act < 120; act += 1) {
        const generation = changes.indexOf(act) + 1;
        if (generation > 0) changed = changed.then(() => change(generation));
        const personId = act % 3 === 0 ? newId(nowMs) : (shared[(act * 7) % shared.length] ?? '');
        const name = names.get(personId) ?? `act ${act}`;
        names.set(personId, name);
        await keep(own, name, personId);
        expect(await nameOf(other, personId)).toBe(name);
      }
    };
    const [one, other] = instances;
    await Promise.all([citizen(one, other, [10, 40, 70]), citizen(other, one), citizen(one, one)]);
    await changed;
    for (const instance of instances) await rewrapSome(instance);
    expect(await generations()).toEqual([[4, names.size]]);
    const read = await (await start()).vault.attributesOf([...names.keys()]);
    expect(new Map([...read].map(([personId, { name }]) => [personId, name]))).toEqual(names);
  }, 120_000);

  const newest = async () => (await mastersOf(pool, vaultUse)).at(-1)?.generation ?? 0;
  /** A batch whose transaction fails at its end. */
  const brokenOff = async ({ masters }: Instance) => {
    const from = await masters.wrapping();
    const to = { generation: 99, key: from.key };
    const done = await rewrapBatch(pool, vaultUse, { from, to }, nobody, 2).catch(() => 'undone');
    expect([{ after: undefined, rewrapped: 0, unopened: 0 }, 'undone']).toContainEqual(done);
  };
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('keep' as const), who: fc.nat(1), person: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('rewrap' as const), who: fc.nat(1), rowsMax: fc.nat(2) }) },
    fc.record({ kind: fc.constantFrom('read' as const, 'restart' as const), who: fc.nat(1) }),
    fc.record({
      kind: fc.constantFrom(
        'rotate' as const,
        'file only' as const,
        'not yet' as const,
        'come' as const,
        'broken off' as const,
      ),
    }),
    fc.record({ kind: fc.constant('retire' as const), generation: fc.integer({ min: 1, max: 4 }) }),
  );

  it('may be changed in any order of steps, broken off anywhere: everybody reads everything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await begin();
        const instances = [await start(), await start()];
        const persons = Array.from({ length: 6 }, () => newId(nowMs));
        const kept = new Map<string, string>();
        const of = (who: number) => instances[who] as Instance;
        const readsAll = async (instance: Instance) => {
          const read = await instance.vault.attributesOf(persons);
          expect(new Map([...read].map(([personId, { name }]) => [personId, name]))).toEqual(kept);
        };
        for (const [at, each] of steps.entries()) {
          if (each.kind === 'keep') {
            const personId = persons[each.person] ?? '';
            await keep(of(each.who), `name ${at}`, personId);
            kept.set(personId, `name ${at}`);
          } else if (each.kind === 'rewrap') await rewrapSome(of(each.who), each.rowsMax + 1);
          else if (each.kind === 'read') await readsAll(of(each.who));
          else if (each.kind === 'restart') instances[each.who] = await start();
          else if (each.kind === 'rotate') await rotate();
          else if (each.kind === 'not yet') await rotate(3_600_000);
          else if (each.kind === 'come')
            await pool.query('update vault_masters set wraps_from = least(wraps_from, now())');
          else if (each.kind === 'retire') await retireMaster(pool, each.generation);
          else if (each.kind === 'file only')
            await loadOrCreateSecret(directory, secretOf(vaultUse, (await newest()) + 1));
          else await brokenOff(of(0));
        }
        for (const instance of [...instances, await start()]) await readsAll(instance);
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});

function attributes(name: string): Attributes {
  const birthDate = japanDay('1990-04-01');
  const unknown = { sex: null, address: null, residenceCode: null };
  return { name, birthDate, ...unknown, residenceTable: tableDate, readAt, issuedAt: readAt };
}
