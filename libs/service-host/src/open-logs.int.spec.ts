import { realClock } from '@tsunagu/kernel';
import { type Replicated, startReplicated } from '@tsunagu/testing';
import { Client } from 'pg';
import { thingsDefinition as definition } from './fixture/things.js';
import { migrate, servicePool } from './migrate.js';
import { openLogs } from './open-logs.js';

let servers: Replicated;
beforeAll(async () => {
  servers = await startReplicated();
  const client = new Client({ connectionString: servers.primary.url });
  await client.connect();
  await client.query('create role standby_spec');
  await client.end();
  await migrate({ ownerUrl: servers.primary.url, definition, serviceRole: 'standby_spec' });
  await servers.caughtUp();
}, 60_000);
afterAll(() => servers.close(), 60_000);

it('a service whose log lies on a standby refuses to start, in one sentence', async () => {
  for (const placed of [definition, { ...definition, placeOf: () => ({ log: 0 }) }]) {
    const pool = servicePool({ url: servers.standby.url, schema: definition.schema, connectionsMax: 2 });
    const opening = openLogs({
      definition: placed,
      database: pool,
      furtherLogs: [],
      clock: realClock,
    });
    await expect(opening).rejects.toMatchObject({
      name: 'ConfigError',
      message: 'Log 0 of campaign lies on a standby of PostgreSQL, which takes no events: name its primary.',
    });
    await pool.end();
  }
});

it('and so does its migration', async () => {
  const migrating = migrate({ ownerUrl: servers.standby.url, definition, serviceRole: 'standby_spec' });
  await expect(migrating).rejects.toMatchObject({
    name: 'ConfigError',
    message: 'Schema campaign lies on a standby of PostgreSQL, which takes no migration: name its primary.',
  });
});

it('opens the same log on the primary', async () => {
  const pool = servicePool({ url: servers.primary.url, schema: definition.schema, connectionsMax: 2 });
  const opened = await openLogs({ definition, database: pool, furtherLogs: [], clock: realClock });
  expect(await opened.log.head()).toBe(0);
  expect(opened.logReasons()).toEqual([]);
  await opened.close();
  await pool.end();
});
