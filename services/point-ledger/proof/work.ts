import { addDays, derivedId, endOfDay, japanDayOf } from '@tsunagu/kernel';
import { expiryAct } from '../src/jobs/expiry.js';
import type { AccountActs } from '../src/workflows/account-acts.js';
import type { Contradiction, Holds } from '../src/workflows/holds.js';
import type { Leases } from '../src/workflows/leases.js';
import { recallAct } from '../src/workflows/list-run.js';
import { extensionAct, reversalAct } from '../src/workflows/proposals.js';
import type { FailingLog, Fault } from './failing-log.js';
import type { GrantsInSmallParts } from './ledger-process.js';
import type { Message, ReferenceLedger } from './reference-ledger.js';

/** One process of the ledger: its way to the log and the real workflows over it. */
export interface Worker {
  readonly slot: number;
  readonly log: FailingLog;
  readonly leases: Leases;
  readonly grants: GrantsInSmallParts;
  readonly holds: Holds;
  readonly acts: AccountActs;
}

/** What one worker does in a step. */
export interface Work {
  /** What the feed delivers: acknowledged when the work is done, else it comes again. */
  readonly delivered: readonly Message[];
  /** Gives what it answered with "this contradicts the account". */
  run(worker: Worker): Promise<readonly Contradiction[]>;
}

/** Work, the worker that does it, and what goes wrong meanwhile. */
export interface Share {
  readonly worker: number;
  readonly work: Work;
  readonly faults: readonly Fault[];
}

/** The feed brings claims. */
export function claimWork(messages: readonly Message[]): Work {
  const delivered = messages.filter((message) => message.kind === 'claim');
  const claims = delivered.map(({ id, order }) => ({ order, cause: { id, correlationId: order.claimId } }));
  return {
    delivered,
    async run({ grants }) {
      try {
        await grants.decide(claims);
      } finally {
        await grants.idle();
      }
      return [];
    },
  };
}

/** The feed brings requests and ends of exchanges. */
export function holdWork(messages: readonly Message[]): Work {
  const delivered = messages.filter((message) => message.kind === 'request' || message.kind === 'end');
  const acts = delivered.map((message) => {
    const cause = { id: message.id, correlationId: message.id };
    return message.kind === 'request'
      ? { kind: message.kind, request: message.request, cause }
      : { kind: message.kind, end: message.end, cause };
  });
  return { delivered, run: ({ holds }) => holds.decide(acts) };
}

/** What staff approved is carried out: as a whole, as often as it takes. */
export function changeWork(messages: readonly Message[]): Work {
  const delivered = messages.filter((message) => message.kind === 'reversal' || message.kind === 'extension');
  const acts = delivered.flatMap((message) => {
    const { id, lots } = message;
    const approval = { id, correlationId: id, actor: 'staff:ben' };
    if (message.kind === 'extension') return lots.map((lot) => extensionAct(message.rule, lot, approval));
    const { batchId: listId } = message;
    const reasonPattern = 'wrong_list';
    return lots.map(({ lotId, personId }) =>
      listId === null
        ? reversalAct({ reversalId: derivedId('reversal', id), personId, lotId, reasonPattern }, approval)
        : recallAct({ listId, personId, reasonPattern }, approval),
    );
  });
  return {
    delivered,
    async run({ acts: accounts }) {
      await accounts.perform(acts);
      return [];
    },
  };
}

/** The day's run of the expiry job: the lots that it finds by a read model are here those that the reference still has. */
export function expiryWork(reference: ReferenceLedger, nowMs: number): Work {
  const lots = lotsPastTerm(reference, nowMs);
  return {
    delivered: [],
    async run({ acts }) {
      await acts.perform(lots.map(({ lotId, personId }) => expiryAct(personId, lotId, lastDay(nowMs))));
      return [];
    },
  };
}

/** What is left of terms that ended by the end of the last day. */
export function lotsPastTerm({ lots }: ReferenceLedger, nowMs: number): { lotId: string; personId: string }[] {
  const ended = endOfDay(lastDay(nowMs));
  return [...lots]
    .filter(([, lot]) => lot.available > 0 && lot.expiresAt !== null && Date.parse(lot.expiresAt) <= ended)
    .map(([lotId, { personId }]) => ({ lotId, personId }));
}

/** The last one that has ended in Japan. */
const lastDay = (nowMs: number) => addDays(japanDayOf(nowMs), -1);
