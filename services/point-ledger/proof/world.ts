import assert from 'node:assert/strict';
import { type EventLog, StoreError } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { readConfig } from '../src/config.js';
import { AccountActs } from '../src/workflows/account-acts.js';
import { Accounts } from '../src/workflows/accounts.js';
import { type Contradiction, Holds } from '../src/workflows/holds.js';
import { Leases } from '../src/workflows/leases.js';
import { Comparison } from './comparison.js';
import { Crashed, FailingLog } from './failing-log.js';
import { FixedSlot, GrantsInSmallParts } from './ledger-process.js';
import type { Message, ReferenceLedger } from './reference-ledger.js';
import { inTurns, type Party } from './turns.js';
import {
  changeWork,
  claimWork,
  expiryWork,
  holdWork,
  lotsPastTerm,
  type Share,
  type Work,
  type Worker,
} from './work.js';

export const startMs = Date.parse('2026-11-20T01:00:00.000Z');
/** The workers' slots: the third one believes that it has the first one's, as after a lost lock. */
const slots = [0, 1, 0];
export const workerCount = slots.length;

const terms = [
  { ownerId: 'demo', dryRun: false },
  { ownerId: 'demo', dryRun: false },
  { ownerId: 'other', dryRun: false },
  { ownerId: 'demo', dryRun: true },
];

export function fundTerms(fund: number) {
  return terms[fund] ?? { ownerId: 'demo', dryRun: false };
}

/** A wrong way to talk to the log, planted to see whether it is found. */
export type PlantedFault = (log: EventLog) => EventLog;

const config = readConfig({});

/** The real workflows over a log, as processes that fail, fed with messages of which any may come again at any time. */
export class World {
  /** Every message there ever was, in order. */
  readonly messages: Message[] = [];
  readonly personIds = Array.from({ length: 3 }, () => newId(startMs));
  readonly batchIds = Array.from({ length: 2 }, () => newId(startMs));
  readonly fundIds = terms.map(() => newId(startMs));
  nowMs = startMs;
  private readonly clock = { now: () => this.nowMs };
  private readonly unacknowledged = new Set<Message>();
  private readonly workers: Worker[] = [];
  private readonly comparison: Comparison;

  private constructor(
    private readonly log: EventLog,
    readonly reference: ReferenceLedger,
    private readonly planted: PlantedFault,
    head: number,
  ) {
    this.comparison = new Comparison(log, reference, this.messages, head);
    for (const index of slots.keys()) this.restart(index);
  }

  /** `planted`: what is wrong in the ledger, between its workflows and the log. */
  static async open(
    openLog: (clock: { now(): number }) => Promise<EventLog>,
    reference: ReferenceLedger,
    planted: PlantedFault = (log) => log,
  ): Promise<World> {
    const opened: { world?: World } = {};
    const log = await openLog({ now: () => opened.world?.nowMs ?? startMs });
    opened.world = new World(log, reference, planted, await log.head());
    return opened.world;
  }

  /** A new process in the place of this worker: it remembers nothing. */
  restart(index: number): void {
    const slot = slots[index] ?? 0;
    const log = new FailingLog(this.log);
    const seen = this.planted(log);
    const leases = new Leases(seen, this.clock, new FixedSlot(slot));
    const accounts = new Accounts(seen);
    const grants = new GrantsInSmallParts(seen, this.clock, leases, accounts, config);
    const holds = new Holds(seen, this.clock, config, accounts);
    const acts = new AccountActs(seen, this.clock, config, accounts);
    this.workers[index] = { slot, log, leases, grants, holds, acts };
  }

  /** One message of all there were, or none where there was none. */
  again(pick: number): readonly Message[] {
    return this.messages.length === 0 ? [] : this.messages.slice(pick % this.messages.length).slice(0, 1);
  }

  /** The shares are done, at once where there are more; then what is recorded must be what the reference says. */
  async step(shares: readonly Share[], picks: readonly number[] = []): Promise<void> {
    for (const { work } of shares) for (const message of work.delivered) this.unacknowledged.add(message);
    const parties = shares.map(
      ({ worker, work, faults }): Party<readonly Contradiction[]> =>
        (turn) => {
          const process = this.worker(worker);
          process.log.arm(faults, turn);
          return work.run(process);
        },
    );
    const ends = await inTurns(parties, picks);
    await this.comparison.advance(this.nowMs);
    ends.forEach((end, index) => {
      const share = shares[index];
      if (!share) return;
      if (end.status === 'rejected') this.failed(share, shares, end.reason);
      else this.acknowledge(share.work, end.value);
    });
    await this.comparison.balances();
  }

  /** What was not acknowledged comes again, then all there ever was, backwards; then every lease comes back. */
  async settle(): Promise<void> {
    for (const messages of [[...this.unacknowledged], this.messages.toReversed()]) {
      for (const work of [claimWork(messages), holdWork(messages), changeWork(messages)]) await this.calmly(work);
    }
    await this.calmly(expiryWork(this.reference, this.nowMs));
    for (const index of slots.keys()) this.restart(index);
    await this.calmly({
      delivered: [],
      run: async ({ leases }) => {
        for (const fundId of this.fundIds) {
          for (const { leased } of (await leases.look(fundId))?.leases ?? []) {
            await leases.repair(fundId, leased.leaseId, { close: true });
          }
        }
        return [];
      },
    });
    await this.comparison.everything();
    assert.deepEqual(lotsPastTerm(this.reference, this.nowMs), [], 'what was past its term the day before is gone');
  }

  private acknowledge({ delivered }: Work, contradictions: readonly Contradiction[]): void {
    this.comparison.answered(delivered, contradictions, this.nowMs);
    for (const message of delivered) this.unacknowledged.delete(message);
  }

  private calmly(work: Work): Promise<void> {
    return this.step([{ worker: 1, work, faults: [] }]);
  }

  private worker(index: number): Worker {
    const worker = this.workers[index];
    if (!worker) throw new Error(`there is no worker ${index}`);
    return worker;
  }

  /** A step may fail by what was planned to go wrong, and by nothing else. */
  private failed({ worker, faults }: Share, shares: readonly Share[], error: unknown): void {
    const isCrash = error instanceof Crashed;
    if (isCrash) this.restart(worker);
    // Two processes with one slot close each other's leases: an outage for as long as both are there, and no more than that.
    const isContended = shares.some((other) => other.worker !== worker && slots[other.worker] === slots[worker]);
    const isPlanned = isCrash || ((faults.length > 0 || isContended) && error instanceof StoreError);
    if (!isPlanned) throw error;
  }
}
