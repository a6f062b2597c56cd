import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventFeedMigrations } from '@tsunagu/event-feed';
import { eventStoreMigrations, logRouteMigrations } from '@tsunagu/event-store';
import { transparencyMigrations } from '@tsunagu/transparency';
import { Client, Pool } from 'pg';
import Postgrator from 'postgrator';
import { ConfigError } from './config.js';
import type { ServiceDefinition } from './parts.js';

const hostMigrations = new URL('./migrations/', import.meta.url);
const platformMigrations = new URL('./platform-migrations/', import.meta.url);

/** A statement of a service may take this long before it counts as an outage. */
const STATEMENT_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

const ROUTES_TABLE = 'migrations_log_routes';
/** What a service may add to and read, never change: a log; the trees over its logs; which logs there are. */
const APPEND_ONLY = { log: ['events'], trees: ['log_tree_runs', 'log_heads'] };
const ROUTE_RECORDS = ['log_identity', 'log_routes', 'log_route_confirmations'];

export interface MigrationTarget {
  /** Connection of the role that owns the schema. */
  readonly ownerUrl: string;
  readonly definition: Pick<ServiceDefinition, 'schema' | 'migrations' | 'placeOf'>;
  /** The role the service runs as: no DDL, and INSERT and SELECT only on `events` and the tree over them. */
  readonly serviceRole: string;
}

/** Brings a service's schema up to date in one transaction under an advisory lock, so several processes may start at once. */
export async function migrate({ ownerUrl, definition, serviceRole }: MigrationTarget): Promise<void> {
  await inLockedSchema(ownerUrl, definition.schema, async (client) => {
    await runSet(client, definition.schema, 'migrations_event_store', eventStoreMigrations);
    await runSet(client, definition.schema, 'migrations_event_feed', eventFeedMigrations);
    await runSet(client, definition.schema, 'migrations_host', hostMigrations);
    await runSet(client, definition.schema, 'migrations_transparency', transparencyMigrations);
    await runSet(client, definition.schema, 'migrations_service', definition.migrations);
    if (definition.placeOf) await runSet(client, definition.schema, ROUTES_TABLE, logRouteMigrations);
    await grant(client, definition.schema, serviceRole);
    const routes = definition.placeOf ? ROUTE_RECORDS : [];
    await keepAppendOnly(client, serviceRole, [...APPEND_ONLY.log, ...APPEND_ONLY.trees, ...routes]);
  });
}

/** Brings the schema of a further log up to date, in a database of its own: events, and which log it is. */
export async function migrateLog({ ownerUrl, definition, serviceRole }: MigrationTarget): Promise<void> {
  await inLockedSchema(ownerUrl, definition.schema, async (client) => {
    await runSet(client, definition.schema, 'migrations_event_store', eventStoreMigrations);
    await runSet(client, definition.schema, ROUTES_TABLE, logRouteMigrations);
    await grant(client, definition.schema, serviceRole);
    await keepAppendOnly(client, serviceRole, [...APPEND_ONLY.log, ...ROUTE_RECORDS]);
  });
}

/** Schema `platform` of the settings database: profile and clock, which the roles named may read and set. */
export async function migratePlatform(ownerUrl: string, serviceRoles: readonly string[]): Promise<void> {
  await inLockedSchema(ownerUrl, 'platform', async (client) => {
    await runSet(client, 'platform', 'migrations_platform', platformMigrations);
    for (const role of serviceRoles) await grant(client, 'platform', role);
  });
}

/** A pool whose connections see one schema; used with the service's own role. */
export function servicePool({
  url,
  schema,
  connectionsMax,
}: {
  url: string;
  schema: string;
  connectionsMax: number;
}): Pool {
  const pool = new Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: `tsunagu ${schema}`,
    options: `-c search_path=${schema} -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  });
  // An idle connection that breaks is replaced at the next query, which reports it if it lasts.
  pool.on('error', () => undefined);
  // One that breaks while it is lent out says so twice: in the rejection of its statement, and here. Unheard it ends the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function inLockedSchema(
  ownerUrl: string,
  schema: string,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  if (!/^[a-z][a-z0-9_]{0,50}$/.test(schema)) throw new Error(`not a schema name: ${schema}`);
  const client = new Client({ connectionString: ownerUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // Said once more in the rejection of the statement that was under way; unheard it ends the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ is_standby: boolean }>('SELECT pg_is_in_recovery() AS is_standby');
    if (rows[0]?.is_standby) {
      throw new ConfigError(
        `Schema ${schema} lies on a standby of PostgreSQL, which takes no migration: name its primary.`,
      );
    }
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`tsunagu migrate ${schema}`]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(`SET LOCAL search_path = ${schema}`);
    await work(client);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

async function runSet(client: Client, schema: string, versionTable: string, directory: URL): Promise<void> {
  const postgrator = new Postgrator({
    driver: 'pg',
    currentSchema: schema,
    schemaTable: `${schema}.${versionTable}`,
    migrationPattern: join(fileURLToPath(directory), '*.sql'),
    newline: 'LF',
    execQuery: (query) => client.query(query),
    execSqlScript: async (script) => {
      await client.query(script);
    },
  });
  if ((await postgrator.getMigrations()).length > 0) await postgrator.migrate();
}

async function keepAppendOnly(client: Client, role: string, tables: readonly string[]): Promise<void> {
  await client.query(`REVOKE UPDATE, DELETE, TRUNCATE ON ${tables.join(', ')} FROM ${client.escapeIdentifier(role)}`);
}

async function grant(client: Client, schema: string, role: string): Promise<void> {
  const name = client.escapeIdentifier(role);
  await client.query(`
    GRANT USAGE ON SCHEMA ${schema} TO ${name};
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA ${schema} TO ${name};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${name};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${name};
  `);
}
