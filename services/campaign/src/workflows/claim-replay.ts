import { domainEvents, type EventLog, type RecordedEvent } from '@tsunagu/event-store';
import { type CampaignEvent, campaignStream, fold, type Measure } from '../domain/campaign.js';
import {
  type Entitlement,
  type EntitlementEvent,
  foldEntitlement,
  type GrantOrder,
  type LedgerAnswer,
} from '../domain/entitlement.js';
import { campaignAsRead, compared, type DecidedAgain, decideAgain } from '../domain/replay.js';
import { type NoteEvent, notedAsRead, noteStreams } from '../domain/standing.js';

/** What the ledger is asked: the claim, and each event that asked it for the grant. */
export interface LedgerQuestion {
  readonly claimId: string;
  readonly personId: string;
  readonly orders: readonly (Pick<RecordedEvent, 'id' | 'type' | 'schemaVersion'> & { readonly data: GrantOrder })[];
}

/** An event of the person's account that touched the claim, as the ledger tells it. */
export interface LedgerStep {
  readonly event: RecordedEvent;
  readonly postings: readonly Posting[];
  readonly again?: {
    readonly same: boolean;
    readonly decided: { readonly type: string; readonly data: unknown } | null;
    readonly problem: string | null;
  };
}

interface Posting {
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly points: number;
}

export interface ReplayStep {
  readonly service: 'campaign' | 'point-ledger';
  readonly event: RecordedEvent;
  readonly postings: readonly Posting[];
  /** Absent where the event is no decision on the claim. */
  readonly again?: DecidedAgain;
}

/** One claim as the two logs have it. */
export interface ClaimReplay {
  readonly entitlement: Entitlement;
  readonly rule: AppliedRule | null;
  /** In the order recorded, an event always after its cause. */
  readonly steps: readonly ReplayStep[];
  /** I6: whether every decision comes out as it was recorded. */
  readonly same: boolean;
}

/** The rule that the claim was decided by, and the campaign's revision that was read. */
export type AppliedRule = Omit<Measure, 'measureId' | 'name'> & { readonly campaignRevision: number };

/**
 * Every event that touched a claim, and each decision made again from what was recorded; undefined where the stream holds no
 * claim. The command line and the auditors' endpoint both show this: they differ only in how the ledger is asked.
 */
export async function replayClaim(
  log: EventLog,
  stream: string,
  askLedger: (question: LedgerQuestion) => Promise<readonly LedgerStep[]>,
): Promise<ClaimReplay | undefined> {
  const events = domainEvents<EntitlementEvent>((await log.readStreams([stream])).get(stream));
  const entitlement = foldEntitlement(events);
  const accepted = events.find((event) => event.type === 'ClaimAccepted');
  if (!entitlement || !accepted) return undefined;
  const { claimId, personId, campaignId, measureId } = accepted.data;
  const [name, ofPerson] = [campaignStream(campaignId), noteStreams(personId)];
  const streams = await log.readStreams([name, ...ofPerson]);
  const campaignEvents = domainEvents<CampaignEvent>(streams.get(name));
  const notes = ofPerson.flatMap((each) => domainEvents<NoteEvent>(streams.get(each)));
  const asRead = campaignAsRead(campaignEvents, accepted);
  const ledger = await askLedger({ claimId, personId, orders: events.flatMap(orderOf) });

  const campaignSteps = events.map((event): ReplayStep => {
    const answer = ledger.find(({ event: { id } }) => id === event.causationId)?.event;
    const again = decideAgain(events, event, {
      campaign: asRead,
      noted: notedAsRead(notes, event.reads),
      answer: answer as (RecordedEvent & LedgerAnswer) | undefined,
    });
    return { service: 'campaign', event, postings: [], ...(again ? { again } : {}) };
  });
  const ledgerSteps = ledger.map(({ event, postings, again }): ReplayStep => {
    const shown = { service: 'point-ledger', event, postings } as const;
    return again ? { ...shown, again: ledgerAgain(event, again) } : shown;
  });
  const steps = interleaved(campaignSteps, ledgerSteps);
  return {
    entitlement,
    rule: appliedRule(asRead, measureId),
    steps,
    same: steps.every(({ again }) => again?.same ?? true),
  };
}

function orderOf(event: RecordedEvent & EntitlementEvent): LedgerQuestion['orders'] {
  if (event.type !== 'ClaimAccepted' && event.type !== 'ClaimReopened') return [];
  const { id, type, schemaVersion, data } = event;
  return [{ id, type, schemaVersion, data }];
}

/** The ledger's own comparison counts; the members that differ are for the reader. */
function ledgerAgain(event: RecordedEvent, again: NonNullable<LedgerStep['again']>): DecidedAgain {
  const { same, problem } = again;
  if (same || problem !== null) return { same, problem, differences: [] };
  return { ...compared(event, again.decided ?? undefined), same };
}

function appliedRule(asRead: readonly (RecordedEvent & CampaignEvent)[], measureId: string): AppliedRule | null {
  const measure = fold(asRead)?.measures.find((each) => each.measureId === measureId);
  if (!measure) return null;
  const { measureId: _, name: __, ...rule } = measure;
  return { ...rule, campaignRevision: asRead.at(-1)?.revision ?? -1 };
}

/** Two logs in one order: an event after its cause, whatever the clocks of two machines say, and else by recorded time. */
function interleaved(campaign: readonly ReplayStep[], ledger: readonly ReplayStep[]): readonly ReplayStep[] {
  const steps: ReplayStep[] = [];
  let next = 0;
  campaign.forEach((step, index) => {
    const toCome = new Set(campaign.slice(index).map(({ event }) => event.id));
    const cause = ledger.findIndex(({ event }) => event.id === step.event.causationId);
    for (const { event } of ledger.slice(next)) {
      const isEarlier = event.recordedAt < step.event.recordedAt && !toCome.has(event.causationId ?? '');
      if (next > cause && !isEarlier) break;
      steps.push(...ledger.slice(next, next + 1));
      next += 1;
    }
    steps.push(step);
  });
  return [...steps, ...ledger.slice(next)];
}
