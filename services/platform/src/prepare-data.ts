import {
  loadOrCreateKey,
  migrate,
  migrateLog,
  migratePlatform,
  openClock,
  type PlatformClock,
  recordProfile,
  servicePool,
  setClock,
} from '@tsunagu/service-host';
import type { RunningPostgres } from '@tsunagu/testing';
import { roleOf } from './data-directory.js';
import { type DatabaseUrls, prepareDatabase, withClient } from './database.js';
import { startDatabaseServer } from './database-server.js';
import { definitions } from './services.js';
import type { StartRequest } from './start.js';

export interface PreparedData {
  readonly server: RunningPostgres;
  readonly databases: DatabaseUrls;
  readonly clock: PlatformClock;
}

/** PostgreSQL on the data directory, migrated, with the profile recorded and the clock set as asked. */
export async function prepareData({ settings, directory, closers }: StartRequest): Promise<PreparedData> {
  const ledgerLogs = settings.ledgerLogs ?? directory.ledgerLogs();
  const server = await startDatabaseServer(directory, ledgerLogs);
  closers.add('PostgreSQL', () => server.stop());
  const databases = await prepareDatabase(server.url, directory.passwords(), ledgerLogs);
  await migratePlatform(
    databases.owner,
    definitions.map(({ name }) => roleOf(name)),
  );
  const database = servicePool({ url: databases.owner, schema: 'platform', connectionsMax: 2 });
  closers.add('the clock', () => database.end());
  await recordProfile(database, settings.profile);
  await makeKeys(directory.keys);
  // Five schemas at once share the work of two cores badly and a lock well: one after another takes as long.
  for (const definition of definitions) {
    await migrate({ ownerUrl: databases.owner, definition, serviceRole: roleOf(definition.name) });
  }
  const ledger = definitions.find(({ placeOf }) => placeOf !== undefined);
  for (const { owner, service } of ledger ? databases.ledgerLogs : []) {
    const serviceRole = decodeURIComponent(new URL(service).username);
    if (ledger) await migrateLog({ ownerUrl: owner, definition: ledger, serviceRole });
  }
  await setClock(database, {
    profile: settings.profile,
    requested: settings.clock,
    lastRecordedAt: await lastRecordedAt(databases),
  });
  const clock = await openClock({ database, profile: settings.profile });
  closers.add('the clock', () => clock.close());
  return { server, databases, clock };
}

/** All signing keys, before any service reads the key set: a key made later would be unknown to the others for a moment. */
async function makeKeys(keyDirectory: string): Promise<void> {
  const uses = ['citizen', 'staff', ...definitions.map(({ name }) => `service-${name}` as const)] as const;
  await Promise.all([
    ...uses.map((use) => loadOrCreateKey(keyDirectory, use, 'RS256')),
    loadOrCreateKey(keyDirectory, 'provider', 'Ed25519'),
    loadOrCreateKey(keyDirectory, 'feed', 'Ed25519'),
    ...definitions.map(({ name }) => loadOrCreateKey(keyDirectory, `log-${name}`, 'Ed25519')),
  ]);
}

/** The time of the last event in any service's logs. */
async function lastRecordedAt({ owner, ledgerLogs }: DatabaseUrls): Promise<string | undefined> {
  const lastOf = (schema: string) => `(SELECT recorded_at FROM ${schema}.events ORDER BY position DESC LIMIT 1)`;
  const last = [await readTime(owner, `greatest(${definitions.map(({ schema }) => lastOf(schema)).join(', ')})`)];
  const ledger = definitions.find(({ placeOf }) => placeOf !== undefined);
  for (const log of ledger ? ledgerLogs : []) last.push(await readTime(log.owner, lastOf(ledger?.schema ?? '')));
  return last
    .filter((at) => at !== undefined)
    .sort()
    .at(-1);
}

function readTime(url: string, expression: string): Promise<string | undefined> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ at: Date | null }>(`SELECT ${expression} AS at`);
    return rows[0]?.at?.toISOString();
  });
}
