import { type DataOf, type ServiceName, topics } from '@tsunagu/contracts';
import type { FeedMessage } from '@tsunagu/event-feed';
import { type RecordedEvent, readTogether } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { openLogs, type Questions, servicePool } from '@tsunagu/service-host';
import { message, startTestService, type TestAnswer, type TestService } from '@tsunagu/service-host/testing';
import { pino } from 'pino';
import { readConfig } from './config.js';
import { definition } from './definition.js';
import { leaseOrder } from './domain/lease-order.js';
import { checkLedger } from './domain/ledger-check.js';
import { ChangeSweeper } from './jobs/change-sweeper.js';
import { ExpiryJob } from './jobs/expiry.js';
import { HoldSweeper } from './jobs/hold-sweeper.js';
import { LeaseSweeper } from './jobs/lease-sweeper.js';
import { AccountActs } from './workflows/account-acts.js';
import { Accounts } from './workflows/accounts.js';
import { FundLowerings } from './workflows/fund-lowering.js';
import { type ClaimToDecide, Grants } from './workflows/grants.js';
import { Holds } from './workflows/holds.js';
import { Leases } from './workflows/leases.js';
import { LotRuns } from './workflows/lot-runs.js';
import { Proposals } from './workflows/proposals.js';
import { WorkerSlot } from './workflows/worker-slot.js';

/** For specs of the ledger: a running service, funds and claims by default values, and every invariant at the end. */

let sequence = 0;

/** A fresh UUIDv7; ids of one run are all different. */
export function someId(): string {
  sequence += 1;
  return newId(Date.parse('2026-11-20T00:00:00.000Z') + sequence);
}

export type Claim = FeedMessage<string, DataOf<'ClaimAccepted'>>;

export function claim(overrides: Partial<DataOf<'ClaimAccepted'>> & { fundId: string }): Claim {
  return message(overrides.attempt && overrides.attempt > 1 ? 'ClaimReopened' : 'ClaimAccepted', {
    claimId: someId(),
    personId: someId(),
    campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
    measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
    programmeId: 'default',
    amountPoints: 1_000,
    ruleVersion: 1,
    attempt: 1,
    dryRun: false,
    pointsExpireAt: null,
    pointsExpireAfterMonths: null,
    answers: [],
    receiptNumber: 'R-1',
    ...overrides,
  });
}

export function toDecide({ id, correlationId, data }: Claim): ClaimToDecide {
  return { order: data, cause: { id, correlationId } };
}

export interface TestLedger extends TestService {
  fund(amountPoints: number, more?: object): Promise<string>;
  claims(...claims: readonly Claim[]): Promise<void>;
  /** Every event of the logs, in one order that their leases allow. */
  events(): Promise<readonly RecordedEvent[]>;
  eventsOf(type: string): Promise<readonly RecordedEvent[]>;
  /** What the checker of `verify` finds over all logs. */
  violations(): Promise<readonly object[]>;
  account(personId: string): Promise<{ status: number; body: AccountBody }>;
  /** What a staff member is answered: `alice` and `bob` are operators of the owner `demo`. */
  staff(name: string, method: 'GET' | 'POST', path: string, body?: unknown, key?: string): Promise<TestAnswer>;
  /** An exchange of so many points, held, and ended where an outcome is given. Its id. */
  exchange(personId: string, points: number, end?: 'rejected' | { readonly credited: number }): Promise<string>;
  endExchange(exchangeId: string, personId: string, end: 'rejected' | { readonly credited: number }): Promise<void>;
  /** Another worker on the same databases: its own connections, logs, slot and leases. Opens so many logs, or all. */
  worker(options?: { readonly logs?: number }): Promise<TestWorker>;
}

export interface TestWorker {
  readonly grants: Grants;
  readonly leases: Leases;
  readonly slot: WorkerSlot;
  readonly leaseSweeper: LeaseSweeper;
  readonly holdSweeper: HoldSweeper;
  readonly acts: AccountActs;
  readonly expiryJob: ExpiryJob;
  readonly changeSweeper: ChangeSweeper;
  /** What the sweepers logged. */
  readonly alarms: Record<string, unknown>[];
  stop(): Promise<void>;
}

interface AccountBody {
  readonly availablePoints: number;
  readonly exchangeablePoints: number;
  readonly heldPoints: number;
  readonly lots: readonly {
    lotId: string;
    remainingPoints: number;
    heldPoints: number;
    expiresAt: string | null;
    blockedReason?: string;
  }[];
  readonly owedPoints: number;
  readonly receivables: readonly { receivableId: string; openPoints: number }[];
}

export async function startTestLedger(options: Parameters<typeof startTestService>[1] = {}): Promise<TestLedger> {
  const service = await startTestService(definition, { env: { LEDGER_SWEEP_SECONDS: '3600' }, ...options });
  const allEvents = async () => {
    const events: RecordedEvent[] = [];
    const order = leaseOrder();
    const take = (event: RecordedEvent) => {
      order.take(event);
      events.push(event);
    };
    await readTogether(service.logs, { mayCome: order.mayCome, take });
    return events;
  };
  const stops: (() => Promise<void>)[] = [];
  const endExchange: TestLedger['endExchange'] = (exchangeId, personId, end) => {
    const ids = { exchangeId, personId, providerId: 'sim-pay' };
    return service.deliver(topics.exchange, [
      end === 'rejected'
        ? message('ExchangeRejected', { ...ids, points: 0, reasonCode: 'provider_rejected' })
        : message('ExchangeConfirmed', { ...ids, points: end.credited }),
    ]);
  };
  return {
    ...service,
    endExchange,
    async staff(name, method, path, body, key = someId()) {
      const token = await service.token({ role: 'operator', subject: name, ownerId: 'demo' });
      const headers = method === 'POST' ? { 'idempotency-key': key } : {};
      return service.call(method, `/point-ledger/v1/${path}`, {
        token,
        headers,
        ...(body === undefined ? {} : { body }),
      });
    },
    async exchange(personId, points, end) {
      const exchangeId = someId();
      const ids = { exchangeId, personId, providerId: 'sim-pay', linkId: someId() };
      await service.deliver(topics.exchange, [
        message('ExchangeRequested', { ...ids, points, payingOwnerIds: ['demo'] }),
      ]);
      if (end) await endExchange(exchangeId, personId, end);
      return exchangeId;
    },
    async fund(amountPoints, more = {}) {
      const token = await service.token({ role: 'operator', ownerId: 'demo' });
      const body = { name: 'fund', amountPoints, fiscalYear: 2026, ...more };
      const headers = { 'idempotency-key': someId() };
      const answer = await service.call('POST', '/point-ledger/v1/funds', { token, body, headers });
      if (answer.status !== 201) throw new Error(`no fund: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.fundId;
    },
    claims: (...claims) => service.deliver(topics.claim, claims),
    events: allEvents,
    eventsOf: async (type) => (await allEvents()).filter((event) => event.type === type),
    async violations() {
      const check = checkLedger();
      for (const event of await allEvents()) check.take(event);
      return check.violations();
    },
    async account(personId) {
      const token = await service.token({ role: 'citizen', subject: personId });
      return service.call('GET', '/point-ledger/v1/accounts/me', { token });
    },
    async worker({ logs = service.logs.length } = {}) {
      const worker = await startWorker(service, logs);
      stops.push(worker.stop);
      return worker;
    },
    async close() {
      for (const stop of stops) await stop().catch(() => undefined);
      await service.close();
    },
  };
}

async function startWorker(service: TestService, logCount: number): Promise<TestWorker> {
  const { clock } = service;
  const pool = servicePool({ url: service.ownerUrl, schema: definition.schema, connectionsMax: 6 });
  const furtherLogs = service.furtherLogs.slice(0, logCount - 1);
  const { log, close: closeLogs } = await openLogs({
    definition,
    database: pool,
    furtherLogs,
    clock,
    lookEveryMs: 100,
  });
  const slot = new WorkerSlot(pool);
  const leases = new Leases(log, clock, slot);
  const config = readConfig({});
  const alarms: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void alarms.push(JSON.parse(line)) });
  const projections = { waitFor: () => service.waitForProjections().then(() => true) };
  const questions: Questions = {
    ask: async <T>(asked: ServiceName, path: string) => service.questions[asked]?.(path, undefined) as T | undefined,
  };
  const accounts = new Accounts(log);
  const holds = new Holds(log, clock, config, accounts);
  const acts = new AccountActs(log, clock, config, accounts);
  const runs = new LotRuns(pool, clock, projections, logger);
  const lowerings = new FundLowerings(log, clock, leases);
  const proposals = new Proposals(log, clock, accounts, acts, runs, lowerings);
  return {
    grants: new Grants(log, clock, leases, accounts, config),
    leases,
    slot,
    leaseSweeper: new LeaseSweeper(pool, clock, projections, logger, config, leases, slot),
    holdSweeper: new HoldSweeper(pool, clock, projections, questions, logger, config, holds),
    acts,
    expiryJob: new ExpiryJob(clock, logger, config, runs, acts),
    changeSweeper: new ChangeSweeper(pool, clock, projections, logger, config, proposals, lowerings),
    alarms,
    async stop() {
      slot.onModuleDestroy();
      await closeLogs();
      if (!pool.ended) await pool.end();
    },
  };
}
