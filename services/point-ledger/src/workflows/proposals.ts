import { Inject, Injectable } from '@nestjs/common';
import { appendOne, appendSurely, type EventLog, expectedRevision, type RecordedEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import { type Account, type AccountEvent, accountStream, lotOf } from '../domain/account.js';
import { decideExtension } from '../domain/expiry.js';
import {
  type Change,
  type ChangeCompleted,
  type ChangeProposed,
  decideVerdict,
  foldProposal,
  type Proposal,
  proposalStream,
  type VerdictRefusal,
} from '../domain/proposal.js';
import { decideReversal, decideWriteOff } from '../domain/reversal.js';
import { type AccountAct, AccountActs } from './account-acts.js';
import { Accounts } from './accounts.js';
import { type FundLoweringRefusal, FundLowerings } from './fund-lowering.js';
import { LotRuns, type LotToVisit } from './lot-runs.js';
import { contested, ledgerEvent } from './recording.js';

export type ChangeRefusal =
  | 'request.not_found'
  | 'point_ledger.already_reversed'
  | 'point_ledger.receivable_closed'
  | FundLoweringRefusal;

/** Lost races for one proposal's stream before it counts as an outage. */
const ROUNDS_MAX = 10;

type Outcome = Omit<ChangeCompleted, 'proposalId'>;
const nothing: Outcome = { lots: 0, points: 0, receivablePoints: 0 };

/**
 * Changes that need a second person: proposed, approved, carried out. All that a change writes derives its ids from the
 * approval, so it is carried out once, by whoever gets to it, also after a crash between the approval and the last account.
 */
@Injectable()
export class Proposals {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly accounts: Accounts,
    private readonly acts: AccountActs,
    private readonly runs: LotRuns,
    private readonly lowerings: FundLowerings,
  ) {}

  async find(proposalId: string): Promise<Proposal | undefined> {
    return (await this.read(proposalId)).proposal;
  }

  /** Proposes a change if it could be made now. The same id again gives the proposal as it stands. */
  async propose(
    data: ChangeProposed,
    by: { readonly actor: string; readonly correlationId: string },
  ): Promise<Result<Proposal, ChangeRefusal>> {
    const { proposalId, ownerId, change } = data;
    const known = await this.find(proposalId);
    if (known) return ok(known);
    const possible = await this.check(ownerId, change);
    if (!possible.ok) return possible;
    const event = ledgerEvent(
      { type: 'ChangeProposed', data },
      {
        id: derivedId('ChangeProposed', proposalId),
        cause: { id: null, correlationId: by.correlationId },
        actor: by.actor,
        effectiveAt: isoTime(this.clock.now()),
        ownerId,
      },
    );
    const write = { stream: proposalStream(proposalId), expectedRevision: 'noStream' as const, events: [event] };
    await appendSurely(this.log, [{ writes: [write] }]);
    return ok(await this.existing(proposalId));
  }

  /** Approves or rejects; what is approved is carried out at once, but for the extension of many lots: the sweeper does that. */
  async judge(
    proposalId: string,
    verdict: 'approve' | 'reject',
    by: { readonly actor: string; readonly correlationId: string; readonly needsSecondPerson: boolean },
  ): Promise<Result<Proposal, VerdictRefusal | ChangeRefusal>> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { proposal, recorded } = await this.read(proposalId);
      if (!proposal) return refuse('request.not_found');
      const decided = decideVerdict(proposal, verdict, by.actor, by.needsSecondPerson);
      if (!decided.ok) return decided;
      if (!decided.value) return this.carriedOut(proposal);
      if (verdict === 'approve') {
        const possible = await this.check(proposal.ownerId, proposal.change);
        if (!possible.ok) return possible;
      }
      const event = ledgerEvent(decided.value, {
        id: derivedId(`${decided.value.type} ${by.actor}`, proposalId),
        cause: { id: recorded.at(-1)?.id ?? null, correlationId: by.correlationId },
        actor: by.actor,
        effectiveAt: isoTime(this.clock.now()),
        ownerId: proposal.ownerId,
      });
      const write = {
        stream: proposalStream(proposalId),
        expectedRevision: expectedRevision(recorded),
        events: [event],
      };
      if (await appendOne(this.log, { writes: [write] })) return this.carriedOut(await this.existing(proposalId));
    }
    throw contested(`proposal ${proposalId} was still contested after ${ROUNDS_MAX} rounds`);
  }

  /** Does what an approved proposal is about and records that it is done. Safe to repeat; stops early where a run of lots does. */
  async carryOut(proposalId: string): Promise<void> {
    const { proposal, recorded } = await this.read(proposalId);
    const approval = recorded.find((event) => event.type === 'ChangeApproved');
    if (proposal?.state !== 'approved' || !approval) return;
    const outcome = await this.perform(proposal, approval);
    if (!outcome) return;
    const event = ledgerEvent(
      { type: 'ChangeCompleted', data: { proposalId, ...outcome } },
      {
        id: derivedId('ChangeCompleted', approval.id),
        cause: approval,
        effectiveAt: isoTime(this.clock.now()),
        ownerId: proposal.ownerId,
      },
    );
    const write = { stream: proposalStream(proposalId), expectedRevision: expectedRevision(recorded), events: [event] };
    // Losing means that another process has completed it.
    await appendSurely(this.log, [{ writes: [write] }]);
  }

  private async carriedOut(proposal: Proposal): Promise<Result<Proposal, never>> {
    if (proposal.state !== 'approved' || proposal.change.kind === 'extension') return ok(proposal);
    await this.carryOut(proposal.proposalId);
    return ok(await this.existing(proposal.proposalId));
  }

  /** Whether the change could be made now, and is the owner's to make. */
  private async check(ownerId: string, change: Change): Promise<Result<unknown, ChangeRefusal>> {
    switch (change.kind) {
      case 'reversal': {
        const lot = lotOf(await this.account(change.personId), change.lotId);
        if (lot?.ownerId !== ownerId) return refuse('request.not_found');
        return lot.reversal ? refuse('point_ledger.already_reversed') : ok(lot);
      }
      case 'write_off': {
        const receivable = (await this.account(change.personId)).receivables.get(change.receivableId);
        if (receivable?.ownerId !== ownerId) return refuse('request.not_found');
        return receivable.openPoints === 0 ? refuse('point_ledger.receivable_closed') : ok(receivable);
      }
      case 'fund_lowering': {
        const { kind: _, ...order } = change;
        return this.lowerings.check(order);
      }
      case 'extension':
        return ok(change);
    }
  }

  /** Undefined where it is not finished. */
  private async perform(
    { proposalId, ownerId, change }: Proposal,
    approval: RecordedEvent,
  ): Promise<Outcome | undefined> {
    switch (change.kind) {
      case 'reversal':
        await this.acts.perform([reversalAct({ ...change, reversalId: proposalId }, approval)]);
        return this.recordedFor(change.personId, approval);
      case 'write_off': {
        await this.acts.perform([
          {
            ...actOf(change.personId, approval),
            decide: (account) => {
              const event = decideWriteOff(account, change);
              return event && { event, id: derivedId(event.type, approval.id) };
            },
          },
        ]);
        return this.recordedFor(change.personId, approval);
      }
      case 'fund_lowering': {
        const { kind: _, ...order } = change;
        const eventId = derivedId('FundLowered', approval.id);
        const lowered = await this.lowerings.lower(order, { eventId, cause: approval, actor: approval.actor });
        return { ...nothing, points: lowered.ok ? lowered.value.points : 0 };
      }
      case 'extension': {
        const progress = await this.runs.run({
          job: 'extension',
          run: proposalId,
          expiresFrom: change.expiresFrom,
          expiresTo: change.expiresBefore,
          includesEnd: false,
          ownerId,
          heldToo: true,
          visit: (lots) => this.extend({ ...change, extensionId: proposalId, ownerId }, lots, approval),
        });
        return progress.finished ? { ...nothing, lots: progress.lots } : undefined;
      }
    }
  }

  private async extend(
    rule: Parameters<typeof decideExtension>[2],
    lots: readonly LotToVisit[],
    approval: RecordedEvent,
  ): Promise<number> {
    const extended = new Set<string>();
    await this.acts.perform(lots.map((lot) => extensionAct(rule, lot, approval, () => extended.add(lot.lotId))));
    return extended.size;
  }

  /** What the account's stream says of an approval: the same whoever carried it out, and when. */
  private async recordedFor(personId: string, approval: RecordedEvent): Promise<Outcome> {
    const stream = accountStream(personId);
    const events = (await this.log.readStreams([stream])).get(stream) ?? [];
    const caused = events.filter((event) => event.causationId === approval.id) as unknown as readonly AccountEvent[];
    const first = caused[0];
    if (first?.type === 'GrantReversed') {
      const { points, receivablePoints } = first.data;
      return { lots: 1, points, receivablePoints };
    }
    return first?.type === 'ReceivableWrittenOff' ? { ...nothing, receivablePoints: first.data.points } : nothing;
  }

  private account(personId: string): Promise<Account> {
    return this.accounts.readOne(personId);
  }

  private async read(proposalId: string) {
    const stream = proposalStream(proposalId);
    const recorded = (await this.log.readStreams([stream])).get(stream) ?? [];
    return { recorded, proposal: foldProposal(recorded) };
  }

  private async existing(proposalId: string): Promise<Proposal> {
    const found = await this.find(proposalId);
    if (!found) throw new Error(`proposal ${proposalId} was just recorded`);
    return found;
  }
}

/**
 * Takes one grant back, caused by an approval: `AccountActs.perform` does any number of them. A batch's recall hands in one
 * act a lot, with the recall's recorded approval as the cause and the list's id in what `reversalId` derives from.
 */
export function reversalAct(
  order: Parameters<typeof decideReversal>[1],
  approval: Pick<RecordedEvent, 'id' | 'correlationId' | 'actor'>,
): AccountAct {
  return {
    ...actOf(order.personId, approval),
    decide: (account, now) => {
      const decision = decideReversal(account, order, now);
      if (decision.outcome !== 'decided') return undefined;
      return { event: decision.event, id: derivedId(`GrantReversed ${order.lotId}`, approval.id) };
    },
  };
}

/** Extends one lot by an approved rule; `done` is told when the rule has extended it, now or before. */
export function extensionAct(
  rule: Parameters<typeof decideExtension>[2],
  { lotId, personId }: LotToVisit,
  approval: Pick<RecordedEvent, 'id' | 'correlationId' | 'actor'>,
  done: () => void = () => {},
): AccountAct {
  return {
    ...actOf(personId, approval),
    ownerId: rule.ownerId,
    decide: (account, now) => {
      const lot = lotOf(account, lotId);
      const event = lot && decideExtension(personId, lot, rule, now);
      if (event || lot?.extensionId === rule.extensionId) done();
      return event && { event, id: derivedId(`LotExtended ${lotId}`, approval.id) };
    },
  };
}

function actOf(personId: string, { id, correlationId, actor }: Pick<RecordedEvent, 'id' | 'correlationId' | 'actor'>) {
  return { personId, cause: { id, correlationId }, actor };
}
