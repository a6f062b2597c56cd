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
import { type Noted, noteStreams, nothingNoted } from '../domain/standing.js';
import { readsOf, revisionOf, serviceActor, toNewEvent } from '../recording.js';
import { notedIn } from './person-notes.js';

type Recorded = RecordedEvent & LedgerAnswer;

interface Known {
  entitlement: Entitlement;
  revision: number;
  readonly ownerId: string | null;
  /** Of the person; read for curable refusals only, since nothing else depends on it. */
  readonly notes: { readonly noted: Noted; readonly reads: Readonly<Record<string, number>> } | undefined;
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
      const decided = decideAnswer(state.entitlement, answer, state.notes?.noted ?? nothingNoted);
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
    const personOf = new Map(answers.filter(isCurable).map((each) => [streamOf(each), each.data.personId]));
    const names = new Set(answers.map(streamOf));
    const streams = await this.log.readStreams([...names, ...new Set([...personOf.values()].flatMap(noteStreams))]);
    const known = new Map<string, Known>();
    for (const stream of names) {
      const recorded = streams.get(stream);
      const entitlement = foldEntitlement(domainEvents<EntitlementEvent>(recorded));
      const ownerId = recorded?.[0]?.ownerId ?? null;
      const personId = personOf.get(stream);
      const notes =
        personId === undefined
          ? undefined
          : { noted: notedIn(streams, personId), reads: readsOf(streams, noteStreams(personId)) };
      if (entitlement) known.set(stream, { entitlement, revision: revisionOf(recorded), ownerId, notes });
    }
    return known;
  }
}

function newEvents(decided: readonly At<EntitlementEvent>[], answer: Recorded, { ownerId, notes }: Known) {
  const { correlationId, id: causationId } = answer;
  const cause = { correlationId, causationId, actor: serviceActor, ownerId };
  const reads = notes ? { reads: notes.reads } : {};
  let before = answer.id;
  return decided.map((event) => {
    // Each from the one before it: a refusal by the ledger and one on the notes are of one type.
    before = derivedId(event.type, before);
    return { ...toNewEvent(before, event, cause), ...reads };
  });
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
