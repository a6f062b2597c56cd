import { Inject, Injectable } from '@nestjs/common';
import { UnprocessableMessage } from '@tsunagu/event-feed';
import {
  type AppendRequest,
  appendSurely,
  domainEvents,
  type EventLog,
  type RecordedEvent,
} from '@tsunagu/event-store';
import { derivedId } from '@tsunagu/kernel';
import { EVENT_LOG } from '@tsunagu/service-host';
import { type ConsentEvent, consentStream, withdrawnUntil } from '../domain/consent.js';
import {
  decideAnswer,
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  evolve,
  foldEntitlement,
  type LedgerAnswer,
} from '../domain/entitlement.js';
import type { At } from '../domain/stamped.js';
import { revisionOf, serviceActor, toNewEvent } from '../recording.js';

type Recorded = RecordedEvent & LedgerAnswer;

interface Known {
  entitlement: Entitlement;
  revision: number;
  readonly ownerId: string | null;
  /** What the person withdrew; read for curable refusals only, since nothing else depends on it. */
  readonly consents: readonly RecordedEvent[] | undefined;
}

/** Rounds of reading again after somebody else wrote first; each round at least one of the writers gets on. */
const ROUNDS_MAX = 50;

/** Records what the ledger decided on claims: the same answer again, or an older one, changes nothing. */
@Injectable()
export class LedgerAnswers {
  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

  /** Takes PointsGranted and GrantRefused in any number and order; other events are passed over. */
  async record(events: readonly RecordedEvent[]): Promise<void> {
    let waiting: readonly Recorded[] = events.filter(isLedgerAnswer);
    for (let round = 0; waiting.length > 0; round += 1) {
      if (round === ROUNDS_MAX) throw new Error('the same entitlements kept changing under the ledger answers');
      waiting = await this.recordRound(waiting);
    }
  }

  /** Returns the answers whose stream changed between the read and the append. */
  private async recordRound(answers: readonly Recorded[]): Promise<readonly Recorded[]> {
    const known = await this.read(answers);
    const requests: AppendRequest[] = [];
    const asked: Recorded[] = [];
    for (const answer of answers) {
      const stream = streamOf(answer);
      const state = known.get(stream);
      if (!state) throw new UnprocessableMessage(answer.id, 'the ledger answered a claim that was never made here');
      const withdrawnAt = withdrawnUntil(domainEvents<ConsentEvent>(state.consents));
      const decided = decideAnswer(state.entitlement, answer, withdrawnAt);
      if (decided.length === 0) continue;
      requests.push({
        writes: [{ stream, expectedRevision: state.revision, events: newEvents(decided, answer, state) }],
      });
      asked.push(answer);
      state.entitlement = decided.reduce(evolve, state.entitlement);
      state.revision += decided.length;
    }
    const outcomes = requests.length > 0 ? await appendSurely(this.log, requests) : [];
    return asked.filter((_, i) => outcomes[i]?.outcome === 'conflict');
  }

  private async read(answers: readonly Recorded[]): Promise<Map<string, Known>> {
    const consentsOf = new Map(answers.filter(isCurable).map((each) => [streamOf(each), consentOf(each)]));
    const names = new Set(answers.map(streamOf));
    const streams = await this.log.readStreams([...names, ...new Set(consentsOf.values())]);
    const known = new Map<string, Known>();
    for (const stream of names) {
      const recorded = streams.get(stream);
      const entitlement = foldEntitlement(domainEvents<EntitlementEvent>(recorded));
      const ownerId = recorded?.[0]?.ownerId ?? null;
      const consents = streams.get(consentsOf.get(stream) ?? '');
      if (entitlement) known.set(stream, { entitlement, revision: revisionOf(recorded), ownerId, consents });
    }
    return known;
  }
}

function newEvents(decided: readonly At<EntitlementEvent>[], answer: Recorded, { ownerId, consents }: Known) {
  const { correlationId, id: causationId } = answer;
  const cause = { correlationId, causationId, actor: serviceActor, ownerId };
  const reads = consents ? { reads: { [consentOf(answer)]: revisionOf(consents) } } : {};
  return decided.map((event) => ({ ...toNewEvent(derivedId(event.type, answer.id), event, cause), ...reads }));
}

/** What the ledger decided on a row of a list answers no claim. */
function isLedgerAnswer(event: RecordedEvent): event is Recorded {
  if (event.type !== 'PointsGranted' && event.type !== 'GrantRefused') return false;
  const { batchId } = event.data as { readonly batchId?: string | null };
  return batchId === undefined || batchId === null;
}

function streamOf({ data }: Recorded): string {
  return entitlementStream(data.measureId, data.personId);
}

function isCurable(answer: Recorded): boolean {
  return answer.type === 'GrantRefused' && answer.data.curable;
}

function consentOf({ data }: Recorded): string {
  return consentStream(data.personId);
}
