import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { versionsOf } from '@tsunagu/service-host';
import { readConfig } from '../config.js';
import { definition } from '../definition.js';
import { fundStream } from '../domain/fund.js';
import { checkLedger } from '../domain/ledger-check.js';
import { claim, someId, startTestLedger, type TestLedger, toDecide } from '../test-ledger.js';
import { Accounts } from './accounts.js';
import { Grants } from './grants.js';
import { Leases } from './leases.js';
import { ledgerEvent } from './recording.js';
import { WorkerSlot } from './worker-slot.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());

/** As KurrentDB does: an id is forgotten as soon as a few others were recorded after it. */
const IDS_REMEMBERED = 2;

it('a claim that is delivered again is not granted twice where the store has forgotten its ids: the fold knows it', async () => {
  const { clock, pool } = ledger;
  const log = new MemoryEventLog(clock, 0, versionsOf(definition), IDS_REMEMBERED);
  const fundId = await commitFund(log, 1_000_000);
  const slots: WorkerSlot[] = [];
  const startedWorker = () => {
    const slot = new WorkerSlot(pool);
    slots.push(slot);
    return new Grants(log, clock, new Leases(log, clock, slot), new Accounts(log), readConfig({}));
  };
  const order = claim({ fundId });
  const others = Array.from({ length: 20 }, () => claim({ fundId }));
  const first = startedWorker();
  await first.decide([toDecide(order)]);
  await first.decide(others.map(toDecide));
  const recorded = await events(log);
  const granted = recorded.find(({ causationId, type }) => causationId === order.id && type === 'PointsGranted');
  if (!granted) throw new Error('no grant');

  await first.decide([toDecide(order)]);
  await startedWorker().decide([order, ...others, order].map(toDecide));
  expect((await events(log)).filter(({ type }) => type === 'PointsGranted')).toHaveLength(21);

  // The store itself would take the same grant again: nothing but the fold stands before it.
  const { id, type, effectiveAt, correlationId, causationId, actor, ownerId, data } = granted;
  const again = { id, type, effectiveAt, correlationId, causationId, actor, ownerId, data };
  const write = { stream: granted.stream, expectedRevision: granted.revision, events: [again] };
  expect(log.capabilities.idsForEver).toBe(false);
  const check = checkLedger();
  for (const event of await events(log)) check.take(event);
  expect(check.violations()).toEqual([]);
  expect(await log.append([{ writes: [write] }])).toMatchObject([{ outcome: 'appended' }]);
  for (const slot of slots) slot.onModuleDestroy();
});

const events = async (log: MemoryEventLog) => (await log.readLog({ after: 0, limit: 10_000 })).events;

async function commitFund(log: MemoryEventLog, amountPoints: number): Promise<string> {
  const fundId = someId();
  const facts = { fundId, ownerId: 'demo', name: 'Fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
  const cause = { id: null, correlationId: someId() };
  const effectiveAt = new Date(ledger.clock.now()).toISOString();
  const event = ledgerEvent(
    { type: 'FundCommitted', data: { ...facts, amountPoints } },
    { id: fundId, cause, effectiveAt, ownerId: 'demo' },
  );
  await log.append([{ writes: [{ stream: fundStream(fundId), expectedRevision: 'noStream', events: [event] }] }]);
  return fundId;
}
