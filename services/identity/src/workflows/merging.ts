import { appendOne, type EventLog, type RecordedEvent, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, ok, type Result, refuse } from '@tsunagu/kernel';
import {
  approveChange,
  type Change,
  type ChangeEvent,
  changeStream,
  checkMerge,
  checkSplit,
  eventsOfChange,
  foldChange,
  type Proposed,
} from '../domain/merge.js';
import { fold, type PersonEvent, personStream } from '../domain/person.js';
import type { SessionEnds } from '../outbound/session-ends.js';
import type { Vault } from '../outbound/vault.js';
import { domainEvents, eventBy, revisionOf } from '../recording.js';
import type { RecordingAttributes } from './recording-attributes.js';

/** Lost races for two persons' streams before it counts as an outage. */
const attemptsMax = 50;

export interface Staff {
  readonly actor: string;
  readonly correlationId: string;
}

export type ChangeRefusal =
  | 'request.not_found'
  | 'identity.not_mergeable'
  | 'identity.not_merged'
  | 'identity.erased'
  | 'identity.second_person_required'
  | 'identity.review_decided';

/** Merges of persons and splits that undo them: one of the staff proposes, another approves. */
export class Merging {
  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly sessionEnds: Pick<SessionEnds, 'endOfPerson'>,
    private readonly vault: Pick<Vault, 'forgetAttributes'>,
    private readonly recording: RecordingAttributes,
  ) {}

  async find(kind: Change['kind'], changeId: string): Promise<Change | undefined> {
    const stream = changeStream(kind, changeId);
    return foldChange(domainEvents<ChangeEvent>(await this.log.readStreams([stream]), stream));
  }

  async proposeMerge(
    proposed: Omit<Proposed, 'changeId' | 'proposedBy'>,
    by: Staff,
  ): Promise<Result<Change, ChangeRefusal>> {
    const { mergeId } = proposed;
    const known = await this.find('merge', mergeId);
    if (known) return ok(known);
    const possible = checkMerge((await this.pair(proposed)).persons);
    if (!possible.ok) return possible;
    return ok(await this.propose('merge', { ...proposed, changeId: mergeId, proposedBy: by.actor }, by));
  }

  /** Proposes to undo a merge, whoever it was that it joined. */
  async proposeSplit(
    { mergeId, ...proposed }: Pick<Proposed, 'changeId' | 'mergeId' | 'reasonPattern' | 'evidence'>,
    by: Staff,
  ): Promise<Result<Change, ChangeRefusal>> {
    const known = await this.find('split', proposed.changeId);
    if (known) return ok(known);
    const merge = await this.find('merge', mergeId);
    if (!merge) return refuse('request.not_found');
    const { keptPersonId, mergedPersonId } = merge;
    const possible = checkSplit((await this.pair(merge)).persons, { mergeId });
    if (!possible.ok) return possible;
    const persons = { keptPersonId, mergedPersonId, mergeId, proposedBy: by.actor };
    return ok(await this.propose('split', { ...proposed, ...persons }, by));
  }

  /** The second person: from then on both ids mean one person, or each means its own again. */
  async approve(kind: Change['kind'], changeId: string, by: Staff): Promise<Result<Change, ChangeRefusal>> {
    const own = changeStream(kind, changeId);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await this.log.readStreams([own]);
      const change = foldChange(domainEvents<ChangeEvent>(streams, own));
      if (!change) return refuse('request.not_found');
      const approved = approveChange(change, by.actor);
      if (!approved.ok) return approved;
      // Approved by the same person before: what follows may have been cut off.
      if (!approved.value) return ok(await this.followUp(change, by));
      const pair = await this.pair(change);
      const possible = kind === 'merge' ? checkMerge(pair.persons) : checkSplit(pair.persons, change);
      if (!possible.ok) return possible;
      const [kept, merged] = eventsOfChange(change);
      const writes = [
        this.write(own, streams, [approved.value], by),
        this.write(personStream(change.keptPersonId), pair.streams, [kept], by),
        this.write(personStream(change.mergedPersonId), pair.streams, [merged], by),
      ];
      if (!(await appendOne(this.log, { writes }))) continue;
      return ok(await this.followUp({ ...change, state: 'done', approvedBy: by.actor }, by));
    }
    throw new Error('two persons changed at every look');
  }

  /** Sessions that stand for the wrong person end; attributes read for the wrong person are forgotten. Safe to repeat. */
  async followUp(change: Change, { correlationId }: Staff): Promise<Change> {
    if (change.kind === 'merge') {
      await this.sessionEnds.endOfPerson(change.mergedPersonId);
      return change;
    }
    await this.sessionEnds.endOfPerson(change.keptPersonId);
    const mergedAt = await this.mergedAt(change);
    if (mergedAt !== undefined) await this.vault.forgetAttributes(change.keptPersonId, mergedAt);
    // Others who came to the same digest meanwhile were compared with the person who was kept.
    await this.recording.compareAgain(change.mergedPersonId, change.keptPersonId, correlationId);
    return change;
  }

  private async mergedAt({ mergedPersonId, mergeId }: Change): Promise<string | undefined> {
    const stream = personStream(mergedPersonId);
    const events = (await this.log.readStreams([stream])).get(stream) ?? [];
    const isMerge = ({ type, data }: RecordedEvent) =>
      type === 'PersonsMerged' && (data as { readonly mergeId: string }).mergeId === mergeId;
    return events.find(isMerge)?.effectiveAt;
  }

  private async propose(kind: Change['kind'], data: Proposed, by: Staff): Promise<Change> {
    const event: ChangeEvent = { type: kind === 'merge' ? 'MergeProposed' : 'SplitProposed', data };
    await appendOne(this.log, { writes: [this.write(changeStream(kind, data.changeId), new Map(), [event], by)] });
    const change = await this.find(kind, data.changeId);
    if (!change) throw new Error('a change that was just proposed');
    return change;
  }

  private async pair({ keptPersonId, mergedPersonId }: Pick<Proposed, 'keptPersonId' | 'mergedPersonId'>) {
    const streams = await this.log.readStreams([...new Set([keptPersonId, mergedPersonId].map(personStream))]);
    const person = (personId: string) => fold(domainEvents<PersonEvent>(streams, personStream(personId)));
    return { streams, persons: { kept: person(keptPersonId), merged: person(mergedPersonId) } };
  }

  private write(
    stream: string,
    read: ReadonlyMap<string, readonly RecordedEvent[]>,
    events: readonly { readonly type: string; readonly data: unknown }[],
    { actor, correlationId }: Staff,
  ): StreamWrite {
    const by = { actor, correlationId, nowMs: this.clock.now() };
    return { stream, expectedRevision: revisionOf(read, stream), events: events.map((event) => eventBy(event, by)) };
  }
}
