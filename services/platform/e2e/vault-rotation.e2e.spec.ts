import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '../src/database.js';
import { People } from './people.js';
import { PlatformProcess } from './platform-process.js';

describe("the vault's master key as its operator changes it", () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create({ environment: { TSUNAGU_REWRAP_SECONDS: '1' } });
    await platform.start();
  }, 90_000);
  afterAll(() => platform.remove());

  const masters = () =>
    readdirSync(People.of(platform).directory.keys).filter((name) => name.startsWith('identity-vault'));

  it('goes from one to the next on the running platform, and starts again without the first', async () => {
    const people = People.of(platform);
    const card = await people.card();
    const first = (await people.signIn(card, { attributesOf: card })).body.person;
    expect(first.myKeyId).not.toBeNull();
    expect(await platform.run('keys', 'retire', 'identity-vault-1')).toMatchObject({
      code: 1,
      stderr: 'identity-vault-1 stays: no later one wraps yet.\n',
    });

    const rotated = await platform.run('keys', 'rotate', 'vault', '--soon');
    expect(rotated).toMatchObject({ code: 0 });
    expect(rotated.stdout).toMatch(
      /identity-vault-2\.secret is made[\s\S]*vault-2 +will wrap from .*, keys of persons: 0\n$/,
    );
    expect(masters()).toEqual(['identity-vault-2.secret', 'identity-vault.secret']);
    await withClient(people.databases.owner, async (client) => {
      await client.query('update identity.vault_masters set wraps_from = now() where generation = 2');
      const isDone = 'select bool_and(master_generation = 2) as done from identity.vault_keys';
      await until(async () => (await client.query(isDone)).rows[0].done);
    });

    // As where the database is not the data directory's own.
    const { environment } = platform;
    platform.environment = { ...environment, OWNER_DATABASE_URL: people.databases.owner };
    const retired = await platform.run('keys', 'retire', 'identity-vault-1');
    platform.environment = environment;
    expect(retired).toMatchObject({ code: 0 });
    expect(retired.stdout).toMatch(/^vault-1 is taken out[\s\S]*\nvault-2 +wraps from .*, keys of persons: 1\n$/);
    renameSync(join(people.directory.keys, 'identity-vault.secret'), join(platform.dataDirectory, 'offline.secret'));
    expect((await people.signIn(card)).body.person).toEqual(first);

    await platform.stop();
    await platform.start();
    expect(masters()).toEqual(['identity-vault-2.secret']);
    expect((await People.of(platform).signIn(card)).body.person).toEqual(first);
  }, 240_000);
});

/** Polls a state; jest's time limit ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 200));
}
