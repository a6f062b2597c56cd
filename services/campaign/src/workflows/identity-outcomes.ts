import { Inject, Injectable } from '@nestjs/common';
import type { DataOf } from '@tsunagu/contracts';
import { appendOne, domainEvents, type EventLog, type RecordedEvent } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import { type ConsentEvent, consentStream } from '../domain/consent.js';
import { type Merge, type MergeEvent, mergedPersonStream, mergeInForce } from '../domain/doubled-grant.js';
import {
  decideMerged,
  decideNoted,
  decideRelease,
  decideSplit,
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
  isHeld,
} from '../domain/entitlement.js';
import type { At } from '../domain/stamped.js';
import { type Noted, noteStreams, type ToldStanding } from '../domain/standing.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';
import { MergeIndex } from '../projections/merge-index.js';
import { readsOf, serviceActor, toNewEvent } from '../recording.js';
import { DoubledGrants } from './doubled-grants.js';
import { notedIn, PersonNotes } from './person-notes.js';

/** More measures than anybody claims. */
const CLAIMS_MAX = 1_000;
/** Lost races for one stream before it counts as an outage. */
const ROUNDS_MAX = 50;

type Outcome = Pick<RecordedEvent, 'id' | 'correlationId' | 'effectiveAt'>;
type Decide = (entitlement: Entitlement, at: string, noted: Noted) => readonly At<EntitlementEvent>[];

/** Follows what identity found out: each outcome again changes nothing. */
@Injectable()
export class IdentityOutcomes {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly claims: ClaimIndex,
    private readonly merges: MergeIndex,
    private readonly doubled: DoubledGrants,
    private readonly notes: PersonNotes,
  ) {}

  async follow(events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      switch (event.type) {
        case 'PersonReviewed': {
          const { personId, held } = event.data as DataOf<'PersonReviewed'>;
          if (!held) await this.release(personId, event);
          break;
        }
        case 'PersonsMerged':
          await this.merged(event.data as DataOf<'PersonsMerged'>, event);
          break;
        case 'PersonSplit':
          await this.split(event.data as DataOf<'PersonSplit'>, event);
          break;
        case 'ConsentWithdrawn':
          await this.withdrawn(event.data as DataOf<'ConsentWithdrawn'>, event);
          break;
        case 'IdentityRevoked':
        case 'IdentityRestored': {
          const { personId, change } = event.data as DataOf<'IdentityRevoked'>;
          await this.hear(personId, { revocation: { change, revoked: event.type === 'IdentityRevoked' } }, event);
          break;
        }
        case 'PersonErased':
          await this.hear((event.data as DataOf<'PersonErased'>).personId, { erased: true }, event);
      }
    }
  }

  /** Claims that waited go to the ledger, unless the same person was granted, or waits for a grant, under another id. */
  async release(personId: string, outcome: Outcome): Promise<void> {
    const ids = await this.merges.idsNow(personId);
    for (const row of await this.claims.ofPersons([personId], undefined, CLAIMS_MAX)) {
      const others = ids.filter((id) => id !== personId).map((id) => entitlementStream(row.measureId, id));
      await this.change(row, outcome, async (entitlement, at, noted) => {
        if (!isHeld(entitlement)) return [];
        const isTheirs = others.length > 0 && (await this.anyCounts(others));
        return (isTheirs ? decideMerged : decideRelease)(entitlement, at, noted);
      });
    }
  }

  /** Ends a claim that could go to the ledger still and whose person, or facts, are gone. */
  async endNoted(row: ClaimRow, outcome: Outcome): Promise<void> {
    await this.change(row, outcome, decideNoted);
  }

  /** What the merged id still waits for ends: the person who was kept claims it. */
  async endClaims(personId: string, outcome: Outcome): Promise<void> {
    await this.changeAll(personId, outcome, decideMerged);
  }

  /**
   * Noted first: a claim that is recorded from now on reads the note, and those recorded before are found. Between the two lies the
   * claim that read its person's stream before the note and is recorded after it: it was on its way already and is the ledger's.
   */
  private async withdrawn(data: DataOf<'ConsentWithdrawn'>, outcome: Outcome): Promise<void> {
    const { personId, withdrawnAt } = data;
    const note = { id: derivedId(`WithdrawalNoted ${withdrawnAt}`, personId), data: { personId, withdrawnAt } };
    await this.notes.noteOnce(consentStream(personId), causeOf(outcome), (noted: readonly ConsentEvent[]) => {
      const isKnown = noted.some((each) => each.data.withdrawnAt === withdrawnAt);
      return isKnown ? [] : [{ ...note, type: 'WithdrawalNoted' }];
    });
    await this.changeAll(personId, outcome, decideNoted);
  }

  /** The same of a person as such: revoked, restored or erased. A restored one claims again, or is in an operator's batch. */
  async hear(personId: string, told: ToldStanding, outcome: Outcome): Promise<void> {
    await this.notes.noteStanding(personId, told, causeOf(outcome));
    await this.changeAll(personId, outcome, decideNoted);
  }

  private async merged({ personId, ...merge }: DataOf<'PersonsMerged'>, outcome: Outcome): Promise<void> {
    await this.note('MergeNoted', merge, outcome);
    if (personId !== merge.mergedPersonId) return;
    await this.endClaims(personId, outcome);
    await this.doubled.find(outcome.correlationId);
  }

  private async split({ personId, ...merge }: DataOf<'PersonSplit'>, outcome: Outcome): Promise<void> {
    await this.note('SplitNoted', merge, outcome);
    if (personId !== merge.mergedPersonId) return;
    await this.changeAll(personId, outcome, decideSplit);
    await this.doubled.endAfterSplit(personId, outcome.correlationId);
  }

  /** Both persons' events say the same: whichever comes first is noted. */
  private async note(type: MergeEvent['type'], data: Merge, outcome: Outcome): Promise<void> {
    const stream = mergedPersonStream(data.mergedPersonId);
    await this.notes.noteOnce(stream, causeOf(outcome), (noted: readonly MergeEvent[]) => {
      if (noted.some((each) => each.type === type && each.data.mergeId === data.mergeId)) return [];
      // A split of a merge that another one has followed undoes nothing.
      if (type === 'SplitNoted' && mergeInForce(noted)?.mergeId !== data.mergeId) return [];
      return [{ id: derivedId(type, data.mergeId), type, data }];
    });
  }

  private async anyCounts(streams: readonly string[]): Promise<boolean> {
    const read = await this.log.readStreams(streams);
    return streams.some((name) => {
      const other = foldEntitlement(domainEvents<EntitlementEvent>(read.get(name)));
      return other?.state === 'granted' || (other?.state === 'accepted' && !isHeld(other));
    });
  }

  private async changeAll(personId: string, outcome: Outcome, decide: Decide): Promise<void> {
    const rows = await this.claims.ofPersons([personId], undefined, CLAIMS_MAX);
    for (const row of rows) await this.change(row, outcome, decide);
  }

  private async change(
    { measureId, personId }: ClaimRow,
    outcome: Outcome,
    decide: (...given: Parameters<Decide>) => ReturnType<Decide> | Promise<ReturnType<Decide>>,
  ): Promise<void> {
    const stream = entitlementStream(measureId, personId);
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const streams = await this.log.readStreams([stream, ...noteStreams(personId)]);
      const recorded = streams.get(stream);
      const noted = notedIn(streams, personId);
      const entitlement = foldEntitlement(domainEvents<EntitlementEvent>(recorded));
      const last = recorded?.at(-1);
      const decided = entitlement && last ? await decide(entitlement, isoTime(this.clock.now()), noted) : [];
      if (decided.length === 0 || !last) return;
      const { correlationId, causationId } = causeOf(outcome);
      const cause = { correlationId, causationId, actor: serviceActor, ownerId: last.ownerId };
      // Derived from the event that it changes: whoever does it, it happens once.
      const reads = readsOf(streams, noteStreams(personId));
      const events = decided.map((event) => ({ ...toNewEvent(derivedId(event.type, last.id), event, cause), reads }));
      if (await appendOne(this.log, { writes: [{ stream, expectedRevision: last.revision, events }] })) return;
    }
    throw new Error('a claim changed at every look');
  }
}

function causeOf({ id, correlationId, effectiveAt }: Outcome) {
  return { correlationId, causationId: id, effectiveAt };
}
