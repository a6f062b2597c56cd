import { PostgresEventLog } from '@tsunagu/event-store';
import { definition, registerTestPersons, signCitizenToken } from '@tsunagu/identity';
import { loadOrCreateKey, servicePool, versionsOf } from '@tsunagu/service-host';
import type { DataDirectory } from './data-directory.js';
import type { DatabaseUrls } from './database.js';
import { Progress } from './progress.js';
import { UserError } from './settings.js';
import { readClock } from './stored-clock.js';

/** Registers so many persons, as identity would, and signs a token for each: for load tests. */
export async function citizenTokens(
  { directory, databases }: { directory: DataDirectory; databases: DatabaseUrls },
  wanted: { count: number; birthDate: string | undefined; residence: string | undefined; ttlMs: number },
): Promise<string[]> {
  const { offsetMs } = await readClock(databases);
  const clock = { now: () => Date.now() + offsetMs };
  const pool = servicePool({
    url: databases.services.get(definition.name) ?? '',
    schema: definition.schema,
    connectionsMax: 4,
  });
  try {
    const log = await PostgresEventLog.open({ pool, clock, versions: versionsOf(definition) });
    try {
      const progress = new Progress('registering persons');
      const personIds = await registerTestPersons(
        { log, pool, keyDirectory: directory.keys, clock },
        {
          count: wanted.count,
          ...(wanted.birthDate !== undefined && { birthDate: wanted.birthDate }),
          ...(wanted.residence !== undefined && { residence: wanted.residence }),
        },
        (done) => progress.at(done, wanted.count),
      );
      const key = await loadOrCreateKey(directory.keys, 'citizen', 'RS256');
      const tokens: string[] = [];
      for (const personId of personIds) {
        const { accessToken } = await signCitizenToken(key, personId, clock, Math.ceil(wanted.ttlMs / 1_000));
        tokens.push(accessToken);
        if (tokens.length % 100 === 0) progress.at(tokens.length, wanted.count);
      }
      return tokens;
    } catch (error) {
      if (error instanceof RangeError) throw new UserError(`No person can be registered: ${error.message}.`);
      throw error;
    } finally {
      await log.close();
    }
  } finally {
    await pool.end();
  }
}
