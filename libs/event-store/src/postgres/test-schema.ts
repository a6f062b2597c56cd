import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { EventVersions } from '@tsunagu/kernel';
import type { TestDatabase } from '@tsunagu/testing';
import { Pool } from 'pg';
import { startMs } from '../suite/place.js';
import { PostgresEventLog } from './postgres-log.js';

const migrations = new URL('../migrations/', import.meta.url);

/** A migrated schema with a role as a service has it, for the specs of this library. */
export interface TestSchema {
  readonly name: string;
  /** The superuser, with the schema as its search path. */
  readonly owner: Pool;
  /** A role that may do what a service may. */
  readonly service: Pool;
  /** Where that role connects to, with the search path in it. */
  readonly serviceUrl: string;
  close(): Promise<void>;
}

export async function testSchema(database: TestDatabase): Promise<TestSchema> {
  const name = `log_${randomBytes(5).toString('hex')}`;
  const owner = new Pool({ connectionString: withSchema(database.url, name).href, max: 3 });
  await owner.query(`create schema ${name}; create role ${name} login password '${name}'`);
  for (const file of readdirSync(migrations).sort()) {
    await owner.query(readFileSync(new URL(file, migrations), 'utf8'));
  }
  await owner.query(
    `grant usage on schema ${name} to ${name};
     grant select, insert, update, delete, truncate on all tables in schema ${name} to ${name};
     revoke update, delete, truncate on events from ${name};
     grant execute on all functions in schema ${name} to ${name}`,
  );
  const url = withSchema(database.url, name);
  url.username = name;
  url.password = name;
  const service = new Pool({ connectionString: url.href, max: 5 });
  return {
    name,
    owner,
    service,
    serviceUrl: url.href,
    async close() {
      await service.end();
      await owner.query(`drop schema ${name} cascade; drop role ${name}`);
      await owner.end();
    },
  };
}

/** The suite's place over a schema of its own. */
export async function openPlace(database: TestDatabase, versions?: EventVersions) {
  const schema = await testSchema(database);
  const clock = { nowMs: startMs };
  const log = await PostgresEventLog.open({ pool: schema.service, clock: { now: () => clock.nowMs }, versions });
  const close = async () => {
    await log.close();
    await schema.close();
  };
  return { schema, log, clock, close };
}

function withSchema(url: string, schema: string): URL {
  const changed = new URL(url);
  changed.searchParams.set('options', `-c search_path=${schema}`);
  return changed;
}
