import { ProjectionRunner, projectionDigest } from '@tsunagu/event-store';
import { withData } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { withStores } from '../src/verification/stores.js';
import type { PlatformProcess } from './platform-process.js';

/** Checkpoints and digest of every projection of a platform that is not running. */
export async function digests(platform: PlatformProcess, how: 'as they stand' | 'folded afresh'): Promise<string[][]> {
  return withData(readSettings({ TSUNAGU_DATA: platform.dataDirectory }), ({ databases }) =>
    withStores(databases, { now: () => Date.now() }, async (stores) => {
      const found: string[][] = [];
      for (const { definition, pool, logs } of stores.values()) {
        for (const projection of definition.projections) {
          for (const log of how === 'folded afresh' ? logs : []) {
            const runner = new ProjectionRunner({ pool, log, projection });
            runner.start();
            const reached = await runner.waitFor(await log.head(), 20_000);
            await runner.stop();
            expect([projection.name, log.log, reached]).toEqual([projection.name, log.log, true]);
          }
          const client = await pool.connect();
          await client.query('begin isolation level repeatable read');
          found.push([definition.name, projection.name, await projectionDigest(client, projection)]);
          await client.query('rollback');
          client.release();
        }
      }
      return found;
    }),
  );
}
