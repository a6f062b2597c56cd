import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { type AppendOutcome, appendSurely, type EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK, CONFIG, EVENT_LOG } from '@tsunagu/service-host';
import type { LedgerConfig } from '../config.js';
import { accountStream } from '../domain/account.js';
import type { AccountSeen } from '../domain/account-snapshot.js';
import { isDecided } from '../domain/grant.js';
import { Accounts, seenAccount } from './accounts.js';
import {
  type ClaimToDecide,
  countCollisions,
  GRANTS_PER_REQUEST_MAX,
  type Pending,
  type Planned,
  planFund,
} from './grant-plan.js';
import { Leases } from './leases.js';
import { contested } from './recording.js';

export type { ClaimToDecide } from './grant-plan.js';

/** Parts being recorded at a time: the next one is read and decided meanwhile. */
const PARTS_UNDER_WAY_MAX = 3;
/** While a part is under way, another one begins only when it is at least this full: few claims wait and grow. */
const NEXT_PART_CLAIMS_MIN = 64;
/** Rounds of one claim without a decision: then it is an outage, and the feed brings the batch again. */
const ROUNDS_MAX = 60;

/** One caller's claims: answered when the last of them has its decision on the log. */
interface Call {
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  failed: boolean;
}

interface Waiting extends Pending {
  rounds: number;
  settled: boolean;
  readonly call: Call;
}

/** Claims on one fund for accounts of one log: a lease pays for these. */
interface Together {
  readonly fundId: string;
  readonly log: number;
  readonly claims: Waiting[];
}

/** Claims of different persons that are read, decided and recorded together. */
interface Part {
  readonly claims: readonly Waiting[];
  readonly accounts: ReadonlyMap<string, AccountSeen>;
}

/** What was sent of a part, and what became of it. */
interface Recorded {
  readonly sound: readonly Planned<Waiting>[];
  readonly outcomes: readonly AppendOutcome[];
}

/**
 * Decides claims: one read of the accounts, the decision of each on its folded account, and one append in which the grants of
 * a fund and their draw on the lease are atomic. Whoever asks while a part is under way shares the next one, so single claims
 * cost as little as batches. What came before is known by the fold and by ids derived from the claim's event: a claim may come
 * again, at any worker.
 */
@Injectable()
export class Grants {
  private queue: Waiting[] = [];
  /** Persons of the parts under way: a person's next claim is decided when this one's decision is on the log. */
  private readonly busy = new Set<string>();
  private readonly recordings = new Set<Promise<void>>();
  protected running: Promise<void> | undefined;
  private arrived = () => {};
  private lastAppend: Promise<unknown> = Promise.resolve();
  protected readonly partClaimsMax: number = GRANTS_PER_REQUEST_MAX;
  protected readonly nextPartClaimsMin: number = NEXT_PART_CLAIMS_MIN;

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly accounts: Accounts,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  /** Resolves when every claim has its decision on the log; rejects for an outage: then what is decided stays decided. */
  decide(claims: readonly ClaimToDecide[]): Promise<void> {
    if (claims.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const call: Call = { left: claims.length, resolve, reject, failed: false };
      for (const { order, cause } of claims) {
        const stream = accountStream(order.personId);
        this.queue.push({ order, cause, stream, collisions: 0, rounds: 0, settled: false, call });
      }
      if (this.queue.length >= this.nextPartClaimsMin) this.arrived();
      // After the present tick, so that callers of one tick share a part.
      this.running ??= Promise.resolve().then(() => this.work());
    });
  }

  private async work(): Promise<void> {
    let next = this.readNext();
    for (;;) {
      const part = await next;
      if (part) {
        next = this.queue.length >= this.nextPartClaimsMin ? this.readNext() : Promise.resolve(undefined);
        await this.decidePart(part);
        if (this.recordings.size >= PARTS_UNDER_WAY_MAX) await Promise.race(this.recordings);
        continue;
      }
      if (this.recordings.size > 0) await Promise.race([...this.recordings, this.moreClaims()]);
      else if (this.queue.length === 0) break;
      next = this.readNext();
    }
    this.running = undefined;
  }

  private moreClaims(): Promise<void> {
    return new Promise((resolve) => {
      this.arrived = resolve;
    });
  }

  /** The next claims of persons who are in no part under way, with their accounts. */
  private async readNext(): Promise<Part | undefined> {
    const claims: Waiting[] = [];
    const left: Waiting[] = [];
    for (const claim of this.queue) {
      if (claim.call.failed) continue;
      const { personId } = claim.order;
      if (claims.length === this.partClaimsMax || this.busy.has(personId)) left.push(claim);
      else {
        this.busy.add(personId);
        claims.push(claim);
      }
    }
    this.queue = left;
    if (claims.length === 0) return undefined;
    try {
      return { claims, accounts: await this.accounts.of(claims.map(({ order }) => order.personId)) };
    } catch (error) {
      this.fail(claims, error);
      return undefined;
    }
  }

  /**
   * Decides a part and begins to record it. What an unrecorded draw leaves of the lease is taken for granted: if it is not
   * recorded after all, the parts planned on it are decided again.
   */
  private async decidePart(part: Part): Promise<void> {
    const { claims, accounts } = part;
    const planned: Planned<Waiting>[] = [];
    const waiting = new Map<string, number>();
    try {
      const now = isoTime(this.clock.now());
      for (const { fundId, log, claims: ofFund } of this.undecidedByLease(part)) {
        const wanted = ofFund.reduce((sum, claim) => sum + claim.order.amountPoints, 0);
        // What is read of a lease must not lack draws that are on their way.
        if (!this.leases.covers(fundId, wanted, log)) await Promise.all(this.recordings);
        const plan = planFund(ofFund, await this.leases.secure(fundId, wanted, log), accounts, this.config.rules, now);
        for (const { points } of plan.planned) if (points > 0) this.leases.drawn(fundId, points, log);
        planned.push(...plan.planned);
        if (plan.waits) waiting.set(fundId, log);
      }
    } catch (error) {
      for (const { from } of planned) if (from) this.leases.distrust(from.fundId, from.log);
      this.fail(claims, error);
      return;
    }
    const recording = this.record(part, planned, waiting).finally(() => this.recordings.delete(recording));
    this.recordings.add(recording);
  }

  /** Records what was planned; never rejects. Claims that lost a race or wait for a lease go back to the front of the queue. */
  private async record(
    part: Part,
    planned: readonly Planned<Waiting>[],
    waiting: ReadonlyMap<string, number>,
  ): Promise<void> {
    try {
      // While the part before it is being recorded.
      this.log.prepare?.(planned.map(({ request }) => request));
      const turn = this.lastAppend.then(() => this.append(planned));
      this.lastAppend = turn.catch(() => undefined);
      const { sound, outcomes } = await turn;
      // The next part is sent before this one is taken in.
      await nextTurn();
      const settled = this.takeIn(part, sound, outcomes);
      const open = part.claims.filter((claim) => !claim.settled);
      for (const [fundId, log] of waiting) await this.leases.callBack(fundId, log);
      // Back-off with jitter, real time: two workers that want each other's lease must not keep in step.
      if (open.length > 0 && settled === 0) await pause(10 + Math.random() * 40);
      this.goBack(open);
    } catch (error) {
      this.fail(part.claims, error);
    }
  }

  /**
   * One draw at a time is on its way: of two, a lease closed by somebody else could stop the first and stand at just the
   * revision that the second expects. What was planned on a draw that was lost is not sent.
   */
  private async append(planned: readonly Planned<Waiting>[]): Promise<Recorded> {
    const sound = planned.filter(
      ({ from, epoch }) => from === undefined || this.leases.isCurrent(from.fundId, epoch, from.log),
    );
    if (sound.length === 0) return { sound, outcomes: [] };
    const requests = sound.map((plan) => plan.request);
    try {
      const outcomes = await appendSurely(this.log, requests);
      for (const [index, { from }] of sound.entries()) {
        if (outcomes[index]?.outcome !== 'appended' && from) this.leases.distrust(from.fundId, from.log);
      }
      return { sound, outcomes };
    } catch (error) {
      for (const { from } of sound) if (from) this.leases.distrust(from.fundId, from.log);
      throw error;
    }
  }

  /** Gives how many claims of the part have their decision on the log now. */
  private takeIn({ accounts }: Part, planned: readonly Planned<Waiting>[], outcomes: readonly AppendOutcome[]): number {
    let settled = 0;
    planned.forEach((plan, index) => {
      const outcome = outcomes[index];
      if (outcome?.outcome === 'conflict') countCollisions(plan, outcome.actualRevisions);
      plan.claims.forEach((claim, place) => {
        const { personId } = claim.order;
        const write = plan.request.writes[place];
        if (outcome?.outcome === 'appended' && write) {
          this.accounts.recorded(personId, seenAccount(accounts, personId), write.events);
        } else this.accounts.forget(personId);
        if (outcome?.outcome === 'conflict') return;
        settled += 1;
        this.settle(claim);
      });
    });
    return settled;
  }

  private undecidedByLease({ claims, accounts }: Part): Iterable<Together> {
    const groups = new Map<string, Together>();
    for (const claim of claims) {
      const { order } = claim;
      if (isDecided(seenAccount(accounts, order.personId).account, order)) {
        this.settle(claim);
        continue;
      }
      const { fundId } = order;
      const log = this.log.logOf(claim.stream);
      const group = groups.get(`${fundId}+${log}`);
      if (group) group.claims.push(claim);
      else groups.set(`${fundId}+${log}`, { fundId, log, claims: [claim] });
    }
    return groups.values();
  }

  private settle(claim: Waiting): void {
    claim.settled = true;
    this.busy.delete(claim.order.personId);
    claim.call.left -= 1;
    if (claim.call.left === 0) claim.call.resolve();
  }

  private goBack(claims: readonly Waiting[]): void {
    if (claims.length === 0) return;
    const patient = claims.filter((claim) => ++claim.rounds <= ROUNDS_MAX);
    const given = claims.filter((claim) => claim.rounds > ROUNDS_MAX);
    this.fail(given, contested(`${given.length} claims undecided after ${ROUNDS_MAX} rounds`));
    for (const { order } of patient) this.busy.delete(order.personId);
    this.queue = [...patient, ...this.queue];
  }

  private fail(claims: readonly Waiting[], error: unknown): void {
    for (const { order, call, settled } of claims) {
      if (settled) continue;
      this.busy.delete(order.personId);
      this.accounts.forget(order.personId);
      call.failed = true;
      call.reject(error);
    }
  }
}
