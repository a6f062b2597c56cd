import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { appendSurely, type EventLog } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime } from '@tsunagu/kernel';
import { CLOCK, CONFIG, EVENT_LOG } from '@tsunagu/service-host';
import type { LedgerConfig } from '../config.js';
import { type Account, accountStream } from '../domain/account.js';
import { withConsequences } from '../domain/consequences.js';
import { decideHold, decideHoldEnd, type ExchangeEnd, type HoldDecision, type HoldRequest } from '../domain/hold.js';
import { eventsOf, payerOf } from './account-acts.js';
import { Accounts, seenAccount } from './accounts.js';
import { type Cause, contested, expected } from './recording.js';

/** A request or an end of an exchange, and the recorded event that brings it. */
export type HoldAct =
  | { readonly kind: 'request'; readonly request: HoldRequest; readonly cause: Cause & { readonly id: string } }
  | { readonly kind: 'end'; readonly end: ExchangeEnd; readonly cause: Cause & { readonly id: string } };

/** An act that can never be worked off, because it contradicts the account. */
export interface Contradiction {
  readonly act: HoldAct;
  readonly detail: string;
}

/** Rounds lost to other writers of the same accounts, before it counts as an outage. */
const ROUNDS_MAX = 20;

/** Holds, captures and releases: batches of acts, decided in order on each account's folded state. */
@Injectable()
export class Holds {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: LedgerConfig,
    private readonly accounts: Accounts,
  ) {}

  /** Resolves when every act has its outcome on the log, with the acts that contradict it. */
  async decide(acts: readonly HoldAct[]): Promise<readonly Contradiction[]> {
    const contradictions: Contradiction[] = [];
    let pending = byPerson(acts);
    for (let round = 0; pending.size > 0; round += 1) {
      if (round > ROUNDS_MAX) throw contested(`${pending.size} accounts not decided after ${round} rounds`);
      if (round > 0) await pause(Math.random() * 10 * round);
      pending = await this.decideRound(pending, contradictions);
    }
    return contradictions;
  }

  /** One request an account. Gives back the accounts that another writer was faster on. */
  private async decideRound(
    pending: ReadonlyMap<string, readonly HoldAct[]>,
    contradictions: Contradiction[],
  ): Promise<Map<string, readonly HoldAct[]>> {
    const accounts = await this.accounts.read([...pending.keys()]);
    const planned = [...pending].flatMap(([personId, acts]) => {
      const { account, revision } = seenAccount(accounts, personId);
      const plan = this.plan(account, acts);
      if (plan.events.length === 0) {
        contradictions.push(...plan.contradictions);
        return [];
      }
      const write = { stream: accountStream(personId), expectedRevision: expected(revision), events: plan.events };
      return [{ personId, acts, request: { writes: [write] }, contradictions: plan.contradictions }];
    });
    if (planned.length === 0) return new Map();
    const outcomes = await appendSurely(
      this.log,
      planned.map((plan) => plan.request),
    );
    const lost = new Map<string, readonly HoldAct[]>();
    planned.forEach((plan, index) => {
      this.accounts.forget(plan.personId);
      if (outcomes[index]?.outcome === 'conflict') lost.set(plan.personId, plan.acts);
      else contradictions.push(...plan.contradictions);
    });
    return lost;
  }

  private plan(account: Account, acts: readonly HoldAct[]) {
    const nowMs = this.clock.now();
    const now = isoTime(nowMs);
    const askOwnerAt = isoTime(nowMs + this.config.holdAskSeconds * 1000);
    const contradictions: Contradiction[] = [];
    let state = account;
    const events = acts.flatMap((act) => {
      const decision = decideAct(state, act, { now, askOwnerAt });
      if (decision.outcome === 'contradiction') contradictions.push({ act, detail: decision.detail });
      if (decision.outcome !== 'decided') return [];
      const all = withConsequences(state, decision.event, this.config.rules, now);
      state = all.account;
      const meta = { id: answerId(act), cause: act.cause, effectiveAt: now, ownerId: payerOf(decision.event) };
      return eventsOf(all.events, meta);
    });
    return { events, contradictions };
  }
}

function decideAct(account: Account, act: HoldAct, times: { now: string; askOwnerAt: string }): HoldDecision {
  return act.kind === 'request'
    ? decideHold(account, act.request, { holdId: answerId(act) }, times)
    : decideHoldEnd(account, act.end, times.now);
}

/** One answer to each cause, the same at every repetition. A hold is named by the event that made it. */
function answerId(act: HoldAct): string {
  return derivedId('hold', act.cause.id);
}

function byPerson(acts: readonly HoldAct[]): Map<string, readonly HoldAct[]> {
  const persons = new Map<string, HoldAct[]>();
  for (const act of acts) {
    const { personId } = act.kind === 'request' ? act.request : act.end;
    const known = persons.get(personId);
    if (known) known.push(act);
    else persons.set(personId, [act]);
  }
  return persons;
}
