import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '../src/database.js';
import { establishedLink } from './launch.js';
import { People, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';

const vaults = ['identity', 'service-link', 'exchange-settlement'] as const;

describe('the master keys of the vaults as their operator changes them', () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create({ environment: { TSUNAGU_REWRAP_SECONDS: '1' } });
    await platform.start();
  }, 90_000);
  afterAll(() => platform.remove());

  const masters = () =>
    readdirSync(People.of(platform).directory.keys).filter((name) => /-vault(-\d+)?\.secret$/.test(name));

  it('go from one to the next on the running platform, and it starts again without the first', async () => {
    const people = People.of(platform);
    const card = await people.card();
    const { body: session } = await people.signIn(card, { attributesOf: card });
    const first = session.person;
    expect(first.myKeyId).not.toBeNull();
    const linkId = await establishedLink(platform.api, session.accessToken, simPayAccount());
    const linked = () =>
      platform.api.expect<{ maskedName: string }>(200, 'GET', `/service-link/v1/links/${linkId}`, {
        token: session.accessToken,
      });
    const { maskedName } = await linked();
    expect(maskedName).toBeTruthy();
    expect(await platform.run('keys', 'retire', 'identity-vault-1')).toMatchObject({
      code: 1,
      stderr: 'identity-vault-1 stays: no later one wraps yet.\n',
    });

    const alone = await platform.run('keys', 'rotate', 'vault', '--soon', '--service', 'identity');
    expect(alone).toMatchObject({ code: 0 });
    expect(alone.stdout).toMatch(
      /^identity-vault-2\.secret is made[^\n]*\nidentity-vault-1 +wraps, keys of persons: 1\nidentity-vault-2 +will wrap from [^\n]*, keys of persons: 0\n$/,
    );
    const rotated = await platform.run('keys', 'rotate', 'vault', '--soon');
    expect(rotated).toMatchObject({
      code: 1,
      stderr: 'No master key identity-vault is made: one is on its way already.\n',
    });
    expect(rotated.stdout).toMatch(
      /service-link-vault-2\.secret is made[\s\S]*exchange-settlement-vault-2\.secret is made[\s\S]*exchange-settlement-vault-2 +will wrap from .*, bank accounts: 0\n$/,
    );
    expect(masters()).toEqual([...vaults].sort().flatMap((name) => [`${name}-vault-2.secret`, `${name}-vault.secret`]));
    await withClient(people.databases.owner, async (client) => {
      for (const [schema, table] of [
        ['identity', 'vault_keys'],
        ['service_link', 'vault_keys'],
        ['exchange_settlement', 'bank_accounts'],
      ]) {
        await client.query(`update ${schema}.vault_masters set wraps_from = now() where generation = 2`);
        const isDone = `select bool_and(master_generation = 2) as done from ${schema}.${table}`;
        await until(async () => (await client.query(isDone)).rows[0].done);
      }
    });
    expect((await linked()).maskedName).toBe(maskedName);

    // As where the database is not the data directory's own.
    const { environment } = platform;
    platform.environment = { ...environment, OWNER_DATABASE_URL: people.databases.owner };
    const retired = await platform.run('keys', 'retire', 'identity-vault-1');
    platform.environment = environment;
    expect(retired).toMatchObject({ code: 0 });
    expect(retired.stdout).toMatch(
      /^identity-vault-1 is taken out[\s\S]*\nidentity-vault-2 +wraps from .*, keys of persons: 1\n/,
    );
    for (const name of ['service-link-vault-1', 'exchange-settlement-vault-1'])
      expect(await platform.run('keys', 'retire', name)).toMatchObject({ code: 0 });
    for (const name of vaults)
      renameSync(
        join(people.directory.keys, `${name}-vault.secret`),
        join(platform.dataDirectory, `${name}-offline.secret`),
      );
    expect((await people.signIn(card)).body.person).toEqual(first);

    await platform.stop();
    await platform.start();
    expect(masters()).toEqual([...vaults].sort().map((name) => `${name}-vault-2.secret`));
    expect((await People.of(platform).signIn(card)).body.person).toEqual(first);
    expect((await linked()).maskedName).toBe(maskedName);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 240_000);
});

/** Polls a state; jest's time limit ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 200));
}
