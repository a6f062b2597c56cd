import { PostgresEventLog } from '@tsunagu/event-store';
import { servicePool, versionsOf } from '@tsunagu/service-host';
import { definition } from '../src/definition.js';
import { startTestLedger, type TestLedger } from '../src/test-ledger.js';
import { prove } from './proving.js';

const PROGRAMMES = 60;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());

/** The same programmes over PostgreSQL, one after another on one log: each has people and funds of its own. */
it(`${PROGRAMMES} random programmes over PostgreSQL end as the reference ledger says`, async () => {
  const pool = servicePool({ url: ledger.ownerUrl, schema: definition.schema, connectionsMax: 6 });
  const opened: PostgresEventLog[] = [];
  const openLog = async (clock: { now(): number }) => {
    const log = await PostgresEventLog.open({ pool, clock, versions: versionsOf(definition) });
    opened.push(log);
    return log;
  };
  try {
    const seed = Date.now() % 1_000_000;
    const { failure, programmes } = await prove({ count: PROGRAMMES, seed, atOnce: 1, openLog });
    expect(failure).toBeUndefined();
    expect(programmes).toBe(PROGRAMMES);
  } finally {
    for (const log of opened) await log.close();
    await pool.end();
  }
}, 300_000);
