import { Inject, Injectable } from '@nestjs/common';
import { appendSurely, type EventLog, type RecordedEvent, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, newId, type Result } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import {
  type ContentEvent,
  contentHolder,
  contentStream,
  foldList,
  type ListEvent,
  type ListGrant,
  listStream,
} from '../domain/list-grant.js';
import { contentKey } from '../files/list-hash.js';
import { contested, expected, ledgerEvent } from './recording.js';

const ROUNDS_MAX = 20;

export interface ListSeen {
  readonly list: ListGrant;
  readonly revision: number;
  /** The recorded approval of its recall: every reversal is caused by it. */
  readonly recallApproval: Pick<RecordedEvent, 'id' | 'actor'> | undefined;
}

/** Who acts on a list; the service itself where nobody is named. */
export interface Acting {
  readonly actor?: string;
  readonly correlationId: string;
}

/** The logs that there are; lists lie in the first, where whoever waits for one looks. */
export type FirstLog = readonly [EventLog, ...EventLog[]];

/** Reads and writes the streams of lists. They lie in log 0, like every stream that is not about a person. */
@Injectable()
export class ListBook {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async read(listId: string): Promise<ListSeen | undefined> {
    const stream = listStream(listId);
    const events = (await this.log.readStreams([stream])).get(stream) ?? [];
    const list = foldList(events);
    const recallApproval = events.find(({ type }) => type === 'ListRecallApproved');
    return list && { list, revision: events.length - 1, recallApproval };
  }

  /** Lists in the order asked for; one that is not there is left out. */
  async readAll(listIds: readonly string[]): Promise<readonly ListGrant[]> {
    const streams = await this.log.readStreams(listIds.map(listStream));
    return listIds.flatMap((listId) => foldList(streams.get(listStream(listId)) ?? []) ?? []);
  }

  /** Decides on the list as it is recorded, again where somebody else was faster. Undefined where there is no such list. */
  async act<C extends string>(
    listId: string,
    by: Acting,
    decide: (list: ListGrant) => Result<readonly ListEvent[], C>,
  ): Promise<Result<ListGrant, C> | undefined> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.read(listId);
      if (!seen) return undefined;
      const decided = decide(seen.list);
      if (!decided.ok) return decided;
      if (decided.value.length === 0) return { ok: true, value: seen.list };
      const ids = decided.value.map(() => newId(this.clock.now()));
      if (await this.append(seen, decided.value, by, ids)) {
        const after = await this.read(listId);
        if (after) return { ok: true, value: after.list };
      }
    }
    throw contested(`list ${listId} changes faster than it can be decided on`);
  }

  /** Records one step of the service's own, if the list is still as it was read. Its id follows from the step. */
  async step(seen: ListSeen, event: ListEvent, step: string): Promise<boolean> {
    const { listId } = seen.list;
    return this.append(seen, [event], { correlationId: listId }, [derivedId(`${event.type} ${step}`, listId)]);
  }

  async register(event: Extract<ListEvent, { type: 'ListRegistered' }>, by: Acting): Promise<void> {
    const { listId } = event.data;
    const write = this.write({ list: event.data, revision: -1 }, [event], by, [derivedId('ListRegistered', listId)]);
    await appendSurely(this.log, [{ writes: [write] }]);
  }

  /**
   * Records a good file and reserves its content in one request, so that of two lists with one content exactly one can be
   * released. Gives the list that holds the content if it is another one.
   */
  async validated(event: Extract<ListEvent, { type: 'ListValidated' }>): Promise<string | undefined> {
    const { listId, uploadId, contentHash } = event.data;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.read(listId);
      if (!seen || seen.list.upload?.uploadId !== uploadId || seen.list.state !== 'validating') return undefined;
      const content = await this.content(seen.list, contentHash);
      if (content.holder !== undefined && content.holder !== listId) return content.holder;
      const cause = { correlationId: listId };
      const own = this.write(seen, [event], cause, [derivedId('ListValidated', uploadId)]);
      const reserved = this.contentWrite(seen.list, content, { type: 'ListContentReserved', data: { listId } });
      const [outcome] = await appendSurely(this.log, [{ writes: [own, reserved] }]);
      if (outcome?.outcome !== 'conflict') return undefined;
    }
    throw contested(`the content of list ${listId} is reserved and freed faster than it can be decided on`);
  }

  /** Records what is wrong with a file, unless another one has come since. */
  async notValid(event: Extract<ListEvent, { type: 'ListFoundInvalid' | 'ListFoundRepeated' }>): Promise<void> {
    const { listId, uploadId } = event.data;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.read(listId);
      if (!seen || seen.list.upload?.uploadId !== uploadId || seen.list.state !== 'validating') return;
      if (await this.append(seen, [event], { correlationId: listId }, [derivedId(event.type, uploadId)])) return;
    }
    throw contested(`list ${listId} changes faster than it can be decided on`);
  }

  /** Puts a list away and frees its content. */
  async discard<C extends string>(
    listId: string,
    by: Acting,
    decide: (list: ListGrant) => Result<readonly ListEvent[], C>,
  ): Promise<Result<ListGrant, C> | undefined> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const seen = await this.read(listId);
      if (!seen) return undefined;
      const decided = decide(seen.list);
      if (!decided.ok) return decided;
      if (decided.value.length === 0) return { ok: true, value: seen.list };
      const writes = [this.write(seen, decided.value, by, [newId(this.clock.now())])];
      if (seen.list.content) {
        const content = await this.content(seen.list, seen.list.content.contentHash);
        writes.push(this.contentWrite(seen.list, content, { type: 'ListContentFreed', data: { listId } }));
      }
      const [outcome] = await appendSurely(this.log, [{ writes }]);
      if (outcome?.outcome !== 'conflict') return { ok: true, value: { ...seen.list, state: 'discarded' } };
    }
    throw contested(`list ${listId} changes faster than it can be decided on`);
  }

  private async content({ ownerId, measureId }: ListGrant, contentHash: string) {
    const stream = contentStream(contentKey(ownerId, measureId, contentHash));
    const events = (await this.log.readStreams([stream])).get(stream) ?? [];
    return { stream, revision: events.length - 1, holder: contentHolder(events) };
  }

  private contentWrite(
    list: ListGrant,
    content: { readonly stream: string; readonly revision: number },
    event: ContentEvent,
  ): StreamWrite {
    const { listId, ownerId } = list;
    const now = this.clock.now();
    const meta = { id: newId(now), cause: { id: null, correlationId: listId }, effectiveAt: isoTime(now), ownerId };
    return { stream: content.stream, expectedRevision: expected(content.revision), events: [ledgerEvent(event, meta)] };
  }

  private async append(seen: ListSeen, events: readonly ListEvent[], by: Acting, ids: readonly string[]) {
    const [outcome] = await appendSurely(this.log, [{ writes: [this.write(seen, events, by, ids)] }]);
    return outcome !== undefined && outcome.outcome !== 'conflict';
  }

  private write(
    seen: { readonly list: Pick<ListGrant, 'listId' | 'ownerId'>; readonly revision: number },
    events: readonly ListEvent[],
    { actor, correlationId }: Acting,
    ids: readonly string[],
  ): StreamWrite {
    const { listId, ownerId } = seen.list;
    const effectiveAt = isoTime(this.clock.now());
    const cause = { id: null, correlationId };
    return {
      stream: listStream(listId),
      expectedRevision: expected(seen.revision),
      events: events.map((event, index) =>
        ledgerEvent(event, { id: ids[index] ?? '', cause, effectiveAt, ownerId, ...(actor ? { actor } : {}) }),
      ),
    };
  }
}
