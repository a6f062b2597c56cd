/** A process of its own that runs a list until it is done or killed, for the spec of that: `<url> <schema> <listId>`. */
import { PostgresEventLog } from '@tsunagu/event-store';
import { realClock } from '@tsunagu/kernel';
import { servicePool } from '@tsunagu/service-host';
import { pino } from 'pino';
import { Accounts } from './accounts.js';
import { Grants } from './grants.js';
import { Leases } from './leases.js';
import { ListBook } from './list-book.js';
import { ListRun } from './list-run.js';
import { ListTables } from './list-tables.js';
import { WorkerSlot } from './worker-slot.js';

const [url = '', schema = '', listId = ''] = process.argv.slice(2);
const pool = servicePool({ url, schema, connectionsMax: 6 });
const log = await PostgresEventLog.open({ pool, clock: realClock });
const slot = new WorkerSlot(pool);
const grants = new Grants(log, realClock, new Leases(log, realClock, slot), new Accounts(log));
const book = new ListBook(log, realClock);
const projections = { waitFor: async () => false };
const run = new ListRun(pool, projections, pino({ level: 'silent' }), grants, book, new ListTables(pool));
await run.run(listId);
slot.onModuleDestroy();
await log.close();
await pool.end();
