import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { appendSurely, type EventLog, type NewEvent } from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import { CLOCK, CONFIG, EVENT_LOG } from '@tsunagu/service-host';
import type { LedgerConfig } from '../config.js';
import { type Account, type AccountEvent, accountStream } from '../domain/account.js';
import { type AccountRules, consequenceId, withConsequences } from '../domain/consequences.js';
import { Accounts, seenAccount } from './accounts.js';
import { type Cause, contested, expected, ledgerEvent } from './recording.js';

/** Something to be done to one account: decided on its folded state, as often as another writer is faster. */
export interface AccountAct {
  readonly personId: string;
  readonly cause: Cause;
  /** `staff:…` where a person approved it. */
  readonly actor?: string;
  /** Whose matter it is, where the event itself does not say. */
  readonly ownerId?: string;
  /** Undefined where there is nothing to do (any more). */
  decide(account: Account, now: string): DecidedAct | undefined;
}

export interface DecidedAct {
  readonly event: AccountEvent;
  /** The same whenever the same act is decided. */
  readonly id: string;
  /** Default: now. */
  readonly effectiveAt?: string;
}

/** Rounds lost to other writers of the same accounts, before it counts as an outage. */
const ROUNDS_MAX = 20;

/** Does acts to accounts, one request an account, with all that follows from them by rule. Holds and grants have pipelines of their own. */
@Injectable()
export class AccountActs {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: LedgerConfig,
    private readonly accounts: Accounts,
  ) {}

  /** Resolves when every act is on the log or had nothing to do; gives the events recorded by this call. */
  async perform(acts: readonly AccountAct[]): Promise<readonly AccountEvent[]> {
    const recorded: AccountEvent[] = [];
    let pending = Map.groupBy(acts, (act) => act.personId);
    for (let round = 0; pending.size > 0; round += 1) {
      if (round > ROUNDS_MAX) throw contested(`${pending.size} accounts not decided after ${round} rounds`);
      if (round > 0) await pause(Math.random() * 10 * round);
      pending = await this.performRound(pending, recorded);
    }
    return recorded;
  }

  /** One request an account. Gives back the accounts that another writer was faster on. */
  private async performRound(
    pending: ReadonlyMap<string, AccountAct[]>,
    recorded: AccountEvent[],
  ): Promise<Map<string, AccountAct[]>> {
    const accounts = await this.accounts.read([...pending.keys()]);
    const now = isoTime(this.clock.now());
    const planned = [...pending].flatMap(([personId, acts]) => {
      const { account, revision } = seenAccount(accounts, personId);
      const plan = planActs(account, acts, this.config.rules, now);
      if (plan.newEvents.length === 0) return [];
      const write = {
        stream: accountStream(personId),
        expectedRevision: expected(revision),
        events: plan.newEvents,
      };
      return [{ personId, acts, events: plan.events, request: { writes: [write] } }];
    });
    if (planned.length === 0) return new Map();
    const outcomes = await appendSurely(
      this.log,
      planned.map((plan) => plan.request),
    );
    const lost = new Map<string, AccountAct[]>();
    planned.forEach((plan, index) => {
      this.accounts.forget(plan.personId);
      if (outcomes[index]?.outcome === 'conflict') lost.set(plan.personId, plan.acts);
      else recorded.push(...plan.events);
    });
    return lost;
  }
}

function planActs(account: Account, acts: readonly AccountAct[], rules: AccountRules, now: string) {
  let state = account;
  const events: AccountEvent[] = [];
  const newEvents: NewEvent[] = [];
  for (const act of acts) {
    const decided = act.decide(state, now);
    if (!decided) continue;
    const { event, id, effectiveAt = now } = decided;
    const all = withConsequences(state, event, rules, now);
    state = all.account;
    events.push(...all.events);
    const { cause, actor } = act;
    const meta = {
      cause,
      effectiveAt,
      ownerId: payerOf(event) ?? act.ownerId ?? null,
      ...(actor === undefined ? {} : { actor }),
    };
    newEvents.push(...eventsOf(all.events, { ...meta, id }));
  }
  return { events, newEvents };
}

/** An event and its consequences, ready to append: the first has the id given, the others follow from it. */
export function eventsOf(events: readonly AccountEvent[], meta: Parameters<typeof ledgerEvent>[1]): NewEvent[] {
  return events.map((event, index) => {
    if (index === 0) return ledgerEvent(event, meta);
    const { reads: _, ...rest } = meta;
    return ledgerEvent(event, { ...rest, id: consequenceId(event.type, index, meta.id), ownerId: payerOf(event) });
  });
}

/** The owner where all lots have one; what touches lots of several owners belongs to none of them alone. */
export function payerOf({ data }: AccountEvent): string | null {
  if ('ownerId' in data) return data.ownerId;
  const owners = new Set('lots' in data ? data.lots.map((lot) => lot.ownerId) : []);
  const [owner] = owners;
  return owners.size === 1 && owner !== undefined ? owner : null;
}
