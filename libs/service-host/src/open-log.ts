import { connectKurrent, KurrentEventLog, type StoreCapabilities, StoreError } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import { ConfigError } from './config.js';
import type { OpenedLogs } from './open-logs.js';
import { type ServiceDefinition, versionsOf } from './parts.js';

/** A service's log in KurrentDB. Throws ConfigError where the client of that is missing. */
export async function openKurrentLog(
  definition: ServiceDefinition,
  { clock, url }: { readonly clock: Clock; readonly url: string },
): Promise<OpenedLogs> {
  const client = await connectKurrent(url).catch((error: unknown) => {
    throw error instanceof StoreError ? new ConfigError(`${error.message}.`) : error;
  });
  const log = await KurrentEventLog.open({ client, clock, name: definition.schema, versions: versionsOf(definition) });
  const close = async () => {
    await log.close();
    await client.dispose();
  };
  return { log, logs: [log], logReasons: () => [], close };
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
