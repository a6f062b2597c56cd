/**
 * How long a list takes: `node … bench/lists.ts postgres://… FILE csv|xlsx`, a database that may be written to and a list
 * file of a million rows, or as many as there are. Prints seconds and the largest resident memory for validating it,
 * comparing it with past grants and granting it.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { PostgresEventLog } from '@tsunagu/event-store';
import { newId, ok, realClock } from '@tsunagu/kernel';
import { migrate, servicePool } from '@tsunagu/service-host';
import { pino } from 'pino';
import { readConfig } from '../src/config.js';
import { definition } from '../src/definition.js';
import { fundStream } from '../src/domain/fund.js';
import type { ListEvent, ListUploaded } from '../src/domain/list-grant.js';
import type { ListFormat } from '../src/files/list-file.js';
import { AccountActs } from '../src/workflows/account-acts.js';
import { Accounts } from '../src/workflows/accounts.js';
import { Grants } from '../src/workflows/grants.js';
import { Leases } from '../src/workflows/leases.js';
import { ListBook } from '../src/workflows/list-book.js';
import { ListComparisons } from '../src/workflows/list-comparisons.js';
import { ListIntake } from '../src/workflows/list-intake.js';
import { ListRun } from '../src/workflows/list-run.js';
import { ListTables } from '../src/workflows/list-tables.js';
import { ledgerEvent } from '../src/workflows/recording.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';

const [url, path, format = 'csv'] = process.argv.slice(2);
if (!url || !path) throw new Error('say which database and which file: postgres://… FILE csv|xlsx');
const { schema } = definition;
await migrate({ ownerUrl: url, definition, serviceRole: 'postgres' });
const pool = servicePool({ url, schema, connectionsMax: 6 });
const clock = realClock;
const log = await PostgresEventLog.open({ pool, clock });
const logger = pino();
const slot = new WorkerSlot(pool);
const leases = new Leases(log, clock, slot);
const [book, tables] = [new ListBook(log, clock), new ListTables(pool)];
const config = readConfig({});
const intake = new ListIntake(clock, logger, config, book, tables);
const accounts = new Accounts(log);
const comparisons = new ListComparisons([log], clock, logger, accounts, leases, book, tables);
const grants = new Grants(log, clock, leases, accounts, config);
const run = new ListRun(
  pool,
  { waitFor: async () => true },
  logger,
  grants,
  new AccountActs(log, clock, config, accounts),
  book,
  tables,
);

let largest = 0;
const watch = setInterval(() => {
  largest = Math.max(largest, process.memoryUsage().rss);
}, 50);

async function timed(name: string, work: () => Promise<void>): Promise<void> {
  largest = 0;
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1_000;
  console.log(`${name}: ${seconds.toFixed(1)} s, largest resident memory ${Math.round(largest / 1e6)} MB`);
}

const someId = () => newId(clock.now());
const [listId, fundId, campaignId, measureId] = [someId(), someId(), someId(), someId()];
const by = 'staff:bench';
const acting = { actor: by, correlationId: listId };
const recorded = (event: ListEvent) => book.act(listId, acting, () => ok([event]));

const facts = { listId, ownerId: 'demo', name: 'bench', campaignId, measureId, programmeId: 'default' };
await book.register(
  { type: 'ListRegistered', data: { ...facts, dryRun: false, amountPointsMax: 10_000_000, by } },
  acting,
);
const handle = await open(path);
const bytes = (await handle.stat()).size;
const file = { handle, bytes, hash: createHash('sha256').update(someId()).digest('hex'), close: () => handle.close() };
const upload: ListUploaded = {
  listId,
  uploadId: someId(),
  fileHash: file.hash,
  format: format as ListFormat,
  bytes,
  by,
};
const uploaded = await recorded({ type: 'ListUploaded', data: upload });
if (!uploaded?.ok) throw new Error('the upload was not recorded');
const list = uploaded.value;
await timed('validated', () => intake.validate(list, upload, file));

const content = (await book.read(listId))?.list.content;
if (!content) throw new Error('the file was not found good');
console.log(`${content.rowCount} rows, ${content.amountPoints} points`);
const amountPoints = content.amountPoints * 2;
const terms = {
  fundId,
  ownerId: 'demo',
  name: 'bench',
  fiscalYear: 2026,
  budgetCode: null,
  dryRun: false,
  amountPoints,
};
const cause = { id: null, correlationId: fundId };
const committed = { id: fundId, cause, effectiveAt: new Date(clock.now()).toISOString(), ownerId: 'demo' };
const events = [ledgerEvent({ type: 'FundCommitted', data: terms }, committed)];
await log.append([{ writes: [{ stream: fundStream(fundId), expectedRevision: 'noStream', events }] }]);

const validated = (await book.read(listId))?.list;
if (validated) await timed('compared', () => comparisons.compare(validated, { fundId, months: 12, by }, acting));
const release = { fundId, dryRun: false, stageEnds: [content.rowCount], embargoHours: 24 };
const expiry = { pointsExpireAt: null, pointsExpireAfterMonths: 6 };
await recorded({ type: 'ListReleaseProposed', data: { listId, by, ...release, ...expiry } });
await recorded({ type: 'ListReleaseApproved', data: { listId, by } });
await recorded({ type: 'ListStageStarted', data: { listId, by, stage: 1, attempt: 1 } });
await timed('granted', () => run.run(listId));
console.log(`the list is ${(await book.read(listId))?.list.state}`);

clearInterval(watch);
slot.onModuleDestroy();
await log.close();
await pool.end();
