import {
  connectKurrent,
  type EventLog,
  KurrentEventLog,
  PostgresEventLog,
  type StoreCapabilities,
  StoreError,
} from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import { ConfigError } from './config.js';
import { type ServiceDefinition, versionsOf } from './parts.js';

export interface ServiceLog {
  readonly log: EventLog;
  /** Closes what the log was opened on, after the log itself. */
  closeStore(): Promise<void>;
}

/** A service's log: in its own database, or in KurrentDB where one is named. Throws ConfigError where the client of that is missing. */
export async function openServiceLog(
  definition: ServiceDefinition,
  options: { readonly database: Pool; readonly clock: Clock; readonly kurrentDbUrl: string | undefined },
): Promise<ServiceLog> {
  const { database, clock, kurrentDbUrl } = options;
  const versions = versionsOf(definition);
  if (kurrentDbUrl === undefined) {
    return { log: await PostgresEventLog.open({ pool: database, clock, versions }), closeStore: async () => undefined };
  }
  const client = await connectKurrent(kurrentDbUrl).catch((error: unknown) => {
    throw error instanceof StoreError ? new ConfigError(`${error.message}.`) : error;
  });
  const log = await KurrentEventLog.open({ client, clock, name: definition.schema, versions });
  return { log, closeStore: () => client.dispose() };
}

const meanings: Readonly<Record<keyof StoreCapabilities, string>> = {
  gapFree: 'numbers its events without gaps',
  idsForEver: 'remembers every event id',
  atomicStreams: 'writes to several streams at once (PostgreSQL, or KurrentDB from 25.1)',
};

/** Throws ConfigError where the event store lacks what the service needs. */
export function refuseStoreThatLacks(
  { name, needs = [] }: Pick<ServiceDefinition, 'name' | 'needs'>,
  capabilities: StoreCapabilities,
): void {
  const missing = needs.find((need) => !capabilities[need]);
  if (missing) throw new ConfigError(`${name} needs an event store that ${meanings[missing]}, and this one does not.`);
}
