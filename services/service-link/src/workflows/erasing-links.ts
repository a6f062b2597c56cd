import { Inject, Injectable } from '@nestjs/common';
import type { DataOf } from '@tsunagu/contracts';
import {
  answerTo,
  appendOne,
  domainEvents,
  type EventLog,
  expectedRevision,
  type RecordedEvent,
} from '@tsunagu/event-store';
import { type Clock, isoTime } from '@tsunagu/kernel';
import {
  CLOCK,
  DATABASE,
  EVENT_LOG,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type Questions,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { fold, type LinkErasureEvent, linkErasureStream } from '../domain/link-erasure.js';
import type { LinkVault } from '../outbound/link-vault.js';
import { askOpenExchanges } from '../outbound/questions.js';
import { LinkActs } from './link-acts.js';
import { readLinks } from './link-streams.js';
import { LINK_VAULT } from './linking.js';

const actor = 'service:service-link';
/** Erased persons taken up in one round, the oldest first. */
const roundMax = 1_000;

/** What proves that a person was erased here: where the log says which key had to go, and when it went. */
export interface ErasedPerson {
  readonly personId: string;
  readonly state: 'begun' | 'done';
  readonly log: number;
  readonly position: number;
  readonly keyHash: string;
  /** Null until it is. */
  readonly destroyedAt: string | null;
  /** Exchanges over the person's links that still need the account at the provider. */
  readonly waitsFor: readonly string[];
}

type Recorded = readonly (RecordedEvent & LinkErasureEvent)[];
type Erasable = Pick<LinkVault, 'keyHash' | 'linksWithAccounts' | 'erase' | 'destroyedAt'>;

/**
 * Follows an erasure at identity: first the log says which key has to go; then the person's links end; then, when no exchange needs an
 * account any more, the key is destroyed; then the log says that it is done. Each step finds what is left, so it goes on after a stop.
 */
@Injectable()
export class ErasingLinks {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(QUESTIONS) private readonly questions: Questions,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(LINK_VAULT) private readonly vault: Erasable,
    private readonly acts: LinkActs,
  ) {}

  /** A second time it changes nothing. */
  async begin(erased: RecordedEvent): Promise<void> {
    const { personId, erasureId } = erased.data as DataOf<'PersonErased'>;
    if ((await this.#read(personId)).length > 0) return;
    const keyHash = await this.vault.keyHash(personId);
    await this.#append([], erased, { type: 'LinkErasureBegun', data: { personId, erasureId, keyHash } });
  }

  /** Persons of whom something may be left, with the erasure: those not done, and those whose link was begun at the same moment. */
  async unfinished(): Promise<readonly { readonly personId: string; readonly erasureId: string }[]> {
    await this.projections.waitFor('link_erasures');
    const { rows } = await this.database.query<{ personId: string; erasureId: string }>(
      `select person_id as "personId", erasure_id as "erasureId" from link_erasures
        where state = 'begun'
           or exists (select from links where links.person_id = link_erasures.person_id and state not in ('refused', 'ended'))
        order by position limit ${roundMax}`,
    );
    return rows;
  }

  /** Gives what it still waits for: none when everything is gone. */
  async finish(personId: string): Promise<readonly string[]> {
    const recorded = await this.#read(personId);
    const [begun] = recorded;
    const erasure = fold(recorded);
    if (!begun || !erasure) return [];
    if (!(await this.projections.waitFor('links'))) throw new Error('the list of links is behind the log');
    const { rows } = await this.database.query<{ link_id: string }>('select link_id from links where person_id = $1', [
      personId,
    ]);
    const { correlationId } = begun;
    for (const { link_id: linkId } of rows) await this.acts.endErased(linkId, { actor, ownerId: null, correlationId });
    const waitsFor = await this.#waitsFor(personId);
    if (waitsFor.length > 0 || erasure.state === 'done') return waitsFor;
    await this.vault.erase(personId, erasure.keyHash, this.clock.now());
    const { erasureId } = erasure;
    await this.#append(recorded, begun, { type: 'LinkErasureCompleted', data: { personId, erasureId } });
    return [];
  }

  /** By any erasure's id; none where nothing has been heard of it. */
  async proofs(erasureId: string): Promise<readonly ErasedPerson[]> {
    await this.projections.waitFor('link_erasures');
    const { rows } = await this.database.query<{ person_id: string }>(
      'select person_id from link_erasures where erasure_id = $1 order by position',
      [erasureId],
    );
    const personIds = rows.map((row) => row.person_id);
    const destroyedAt = await this.vault.destroyedAt(personIds);
    const proofs: ErasedPerson[] = [];
    for (const personId of personIds) {
      const recorded = await this.#read(personId);
      const [begun] = recorded;
      const erasure = fold(recorded);
      if (!begun || !erasure) continue;
      const { state, keyHash } = erasure;
      const { log, position } = begun;
      const waitsFor = state === 'done' ? [] : await this.#waitsFor(personId);
      proofs.push({
        personId,
        state,
        log,
        position,
        keyHash,
        destroyedAt: destroyedAt.get(personId) ?? null,
        waitsFor,
      });
    }
    return proofs;
  }

  /** What was sent before must be asked about, or sent again, until the provider has said what became of it. */
  async #waitsFor(personId: string): Promise<readonly string[]> {
    const found = await readLinks(this.log, await this.vault.linksWithAccounts(personId));
    const waitsFor: string[] = [];
    for (const [linkId, { link }] of found) {
      if (!link.owesOutcome) continue;
      waitsFor.push(...(await askOpenExchanges(this.questions, linkId)).map(({ exchangeId }) => exchangeId));
    }
    return waitsFor;
  }

  async #read(personId: string): Promise<Recorded> {
    const stream = linkErasureStream(personId);
    return domainEvents<LinkErasureEvent>((await this.log.readStreams([stream])).get(stream));
  }

  async #append(recorded: Recorded, cause: RecordedEvent, event: LinkErasureEvent): Promise<void> {
    const events = [answerTo(cause, event, { at: isoTime(this.clock.now()), actor })];
    const stream = linkErasureStream(event.data.personId);
    await appendOne(this.log, { writes: [{ stream, expectedRevision: expectedRevision(recorded), events }] });
  }
}
