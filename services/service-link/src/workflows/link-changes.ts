import { Inject, Injectable } from '@nestjs/common';
import {
  type AppendRequest,
  appendOne,
  domainEvents,
  type EventLog,
  expectedRevision,
  type NewEvent,
  toNewEvent,
} from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import { type Correction, type CorrectionRefusal, decideCorrection } from '../domain/correction.js';
import * as guardianship from '../domain/guardianship.js';
import { accountStreamsOf, choiceStreamOf } from '../domain/guards.js';
import { linkStream, owingEnds } from '../domain/link.js';
import {
  decideVerdict,
  fold,
  type GuardianChange,
  type LinkChange,
  type LinkChangeEvent,
  type LinkChangeProposed,
  linkChangeStream,
  type VerdictRefusal,
} from '../domain/link-change.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { type FoundLink, guardWrites, readGuards, readLinks } from './link-streams.js';
import { LINK_VAULT } from './linking.js';

/** Lost races for the streams of a change before it counts as an outage. */
const roundsMax = 20;

export interface ChangedBy {
  readonly actor: string;
  readonly ownerId: string;
  readonly correlationId: string;
}

export type ChangeRefusal = VerdictRefusal | CorrectionRefusal | 'request.not_found';

/** Changes of links by two persons of the staff: proposed, then approved and carried out in one request. */
@Injectable()
export class LinkChanges {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LINK_VAULT) private readonly vault: LinkVault,
  ) {}

  async find(changeId: string): Promise<LinkChange | undefined> {
    return (await this.#read(changeId)).state;
  }

  /** Records the proposal, unless it could not be approved as things stand. The same call again finds what it recorded. */
  async propose(proposed: LinkChangeProposed, by: ChangedBy): Promise<Result<LinkChange, ChangeRefusal>> {
    const known = await this.find(proposed.changeId);
    if (known) return ok(known);
    const { change, changeId } = proposed;
    if (change.kind === 'correction') {
      const decided = await this.#decide(changeId, change);
      if (!decided.ok) return decided;
    }
    const event: LinkChangeEvent = { type: 'LinkChangeProposed', data: proposed };
    const stream = linkChangeStream(changeId);
    const events = [this.#event(changeId, by)(stream, event, 0)];
    await appendOne(this.log, { writes: [{ stream, expectedRevision: 'noStream', events }] });
    const state = await this.find(changeId);
    return state ? ok(state) : refuse('request.not_found');
  }

  async judge(
    changeId: string,
    verdict: 'approve' | 'reject',
    by: ChangedBy,
  ): Promise<Result<LinkChange, ChangeRefusal>> {
    for (let round = 0; round < roundsMax; round += 1) {
      const { state, recorded } = await this.#read(changeId);
      if (!state) return refuse('request.not_found');
      const decided = decideVerdict(state, verdict, by.actor, await this.#actorsOf(state.change));
      if (!decided.ok) return decided;
      if (!decided.value) return ok(state);
      const stream = linkChangeStream(changeId);
      const recordable = this.#event(changeId, by);
      const own = {
        stream,
        expectedRevision: expectedRevision(recorded),
        events: [recordable(stream, decided.value, 0)],
      };
      const effect = verdict === 'approve' ? await this.#effect(changeId, state.change, recordable) : ok([]);
      if (!effect.ok) return effect;
      if (await appendOne(this.log, { writes: [own, ...effect.value] })) {
        if (verdict === 'approve') await this.#forgetAccounts(state.change);
        return ok(fold([...recorded, decided.value]) ?? state);
      }
    }
    throw new Error(`the streams of a change were still contested after ${roundsMax} rounds`);
  }

  #effect(changeId: string, change: LinkChangeProposed['change'], recordable: Recordable) {
    return change.kind === 'correction'
      ? this.#correct(changeId, change, recordable)
      : this.#guardian(change, recordable);
  }

  /** What a correction comes to on the streams as they are now. */
  async #decide(changeId: string, correction: Correction) {
    const found = await readLinks(
      this.log,
      correction.links.map(({ linkId }) => linkId),
    );
    if (found.size !== correction.links.length) return refuse('request.not_found');
    const links = [...found.values()].map((each) => ({
      ...each,
      successorLinkId: derivedId(`successor of ${each.link.request.linkId}`, changeId),
    }));
    const persons = new Set([
      ...links.map(({ link }) => link.request.personId),
      ...correction.links.flatMap(({ toPersonId }) => toPersonId ?? []),
    ]);
    const guards = await readGuards(
      this.log,
      links.flatMap(({ link }) => accountStreamsOf(link)),
      links.flatMap(({ link }) => [...persons].map((person) => choiceStreamOf(link, person))),
    );
    const decided = decideCorrection(correction, links, guards.guards, { changeId });
    return decided.ok ? ok({ found, links, guards, corrected: decided.value }) : decided;
  }

  /** All streams that the correction touches, each at the revision that it was decided on. */
  async #correct(
    changeId: string,
    correction: Correction,
    recordable: Recordable,
  ): Promise<Result<AppendRequest['writes'], ChangeRefusal>> {
    const decided = await this.#decide(changeId, correction);
    if (!decided.ok) return decided;
    const { found, links, guards, corrected } = decided.value;
    // The successors' accounts before their events: a link that stands can always be paid.
    if (correction.outcome === 'moved') {
      for (const { link, successorLinkId } of links) {
        const first = corrected.successors.find(({ linkId }) => linkId === successorLinkId)?.events[0];
        if (first?.type === 'LinkRequested') await this.vault.copyAccounts(link.request.linkId, first.data);
      }
    }
    const writes = [...corrected.links, ...corrected.successors].map(({ linkId, events }) => {
      const stream = linkStream(linkId);
      return {
        stream,
        expectedRevision: expectedRevision(found.get(linkId)?.recorded),
        events: events.map((event, index) => recordable(stream, event, index)),
      };
    });
    return ok([...writes, ...guardWrites(guards, recordable)]);
  }

  async #guardian(change: GuardianChange, recordable: Recordable): Promise<Result<AppendRequest['writes'], never>> {
    const stream = guardianship.guardianshipStream(change.childPersonId);
    const recorded = domainEvents<guardianship.GuardianshipEvent>((await this.log.readStreams([stream])).get(stream));
    const events = guardianship.decideGuardian(guardianship.fold(recorded), change.act, change);
    if (events.length === 0) return ok([]);
    const write = {
      stream,
      expectedRevision: expectedRevision(recorded),
      events: events.map((event, index) => recordable(stream, event, index)),
    };
    return ok([write]);
  }

  /** Everybody who recorded something on the links that a change names. */
  async #actorsOf(change: LinkChangeProposed['change']): Promise<readonly string[]> {
    if (change.kind !== 'correction') return [];
    const found = await readLinks(
      this.log,
      change.links.map(({ linkId }) => linkId),
    );
    return [...found.values()].flatMap(({ recorded }: FoundLink) => recorded.map(({ actor }) => actor));
  }

  /** Ended links send nothing any more. After a crash the sweeper does it, and where something may have to be sent again. */
  async #forgetAccounts(change: LinkChangeProposed['change']): Promise<void> {
    if (change.kind !== 'correction' || change.outcome === 'upheld' || owingEnds.includes(change.pattern)) return;
    for (const { linkId } of change.links) await this.vault.forgetAccounts(linkId);
  }

  async #read(changeId: string) {
    const stream = linkChangeStream(changeId);
    const recorded = domainEvents<LinkChangeEvent>((await this.log.readStreams([stream])).get(stream));
    return { recorded, state: fold(recorded) };
  }

  /** Ids follow from the change and the place: however often it is tried, it happens once. */
  #event(changeId: string, by: ChangedBy): Recordable {
    const effectiveAt = isoTime(this.clock.now());
    const { actor, ownerId, correlationId } = by;
    return (stream, event, index) =>
      toNewEvent(event, {
        id: derivedId(`${event.type} ${index} ${stream}`, changeId),
        effectiveAt,
        correlationId,
        causationId: null,
        actor,
        ownerId,
      });
  }
}

type Recordable = (stream: string, event: { type: string; data: unknown }, index: number) => NewEvent;
