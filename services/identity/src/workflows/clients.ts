import { appendOne, type EventLog, type RecordedEvent, toNewEvent } from '@tsunagu/event-store';
import { type Clock, isoTime, newId, type Result } from '@tsunagu/kernel';
import type { Caller } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import {
  type Client,
  type ClientEvent,
  type ClientKey,
  type ClientRole,
  clientStream,
  decideDisable,
  decideKeys,
  decideRegister,
  fold,
} from '../domain/client.js';
import { domainEvents, revisionOf } from '../recording.js';

export interface ClientOfOwner extends Client {
  readonly ownerId: string;
}

interface Act {
  readonly caller: Caller;
  readonly correlationId: string;
}

/** Lost races for one machine's stream before it counts as an outage. */
const attemptsMax = 20;
const listMax = 1_000;

/** Machines as the log has them; there are few, and each is read as it is now. */
export class Clients {
  constructor(
    private readonly log: EventLog,
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  async find(clientId: string): Promise<ClientOfOwner | undefined> {
    return (await this.#read(clientId)).client;
  }

  async of(ownerId: string): Promise<readonly ClientOfOwner[]> {
    const { rows } = await this.database.query<{ client_id: string }>(
      `select client_id from clients where owner_id = $1 order by client_id limit ${listMax}`,
      [ownerId],
    );
    const found = await Promise.all(rows.map((row) => this.find(row.client_id)));
    return found.filter((client) => client !== undefined);
  }

  register(
    wanted: { clientId: string; role: ClientRole; keys: readonly ClientKey[] },
    act: Act,
  ): Promise<Result<ClientOfOwner, 'identity.client_exists'>> {
    return this.#change(wanted.clientId, act, (client) => decideRegister(client, wanted));
  }

  replaceKeys(
    clientId: string,
    keys: readonly ClientKey[],
    act: Act,
  ): Promise<Result<ClientOfOwner, 'identity.client_disabled'>> {
    return this.#change(clientId, act, (client) => decideKeys(known(client), keys));
  }

  async disable(clientId: string, act: Act): Promise<ClientOfOwner> {
    const changed = await this.#change(clientId, act, (client) => ({ ok: true, value: decideDisable(known(client)) }));
    if (!changed.ok) throw new Error('disabling a client is never refused');
    return changed.value;
  }

  async #change<C extends string>(
    clientId: string,
    act: Act,
    decide: (client: Client | undefined) => Result<readonly ClientEvent[], C>,
  ): Promise<Result<ClientOfOwner, C>> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const { client, streams } = await this.#read(clientId);
      const decided = decide(client);
      if (!decided.ok) return decided;
      if (decided.value.length === 0) return { ok: true, value: known(client) };
      if (await this.#record(clientId, decided.value, streams, act)) {
        return { ok: true, value: known((await this.#read(clientId)).client) };
      }
    }
    throw new Error('a client changed at every look');
  }

  #record(
    clientId: string,
    events: readonly ClientEvent[],
    streams: ReadonlyMap<string, readonly RecordedEvent[]>,
    { caller, correlationId }: Act,
  ): Promise<boolean> {
    const stream = clientStream(clientId);
    const nowMs = this.clock.now();
    const { actor, ownerId } = caller;
    const fact = { effectiveAt: isoTime(nowMs), correlationId, causationId: null, actor, ownerId };
    const recorded = events.map((event) => toNewEvent(event, { id: newId(nowMs), ...fact }));
    return appendOne(this.log, {
      writes: [{ stream, expectedRevision: revisionOf(streams, stream), events: recorded }],
    });
  }

  async #read(clientId: string) {
    const stream = clientStream(clientId);
    const streams = await this.log.readStreams([stream]);
    const client = fold(domainEvents<ClientEvent>(streams, stream));
    const ownerId = streams.get(stream)?.[0]?.ownerId ?? '';
    return { client: client && { ...client, ownerId }, streams };
  }
}

function known<T>(client: T | undefined): T {
  if (client === undefined) throw new Error('there is no such client');
  return client;
}
