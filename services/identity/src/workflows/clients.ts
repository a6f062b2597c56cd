import type { EventLog } from '@tsunagu/event-store';
import { type Clock, ok, type Result } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import {
  type Client,
  type ClientEvent,
  type ClientFacts,
  type ClientKey,
  clientStream,
  decideDisable,
  decideKeys,
  decideRegister,
  fold,
} from '../domain/client.js';
import { type Acting, domainEvents, record } from '../recording.js';

export interface ClientOfOwner extends Client {
  readonly ownerId: string;
}

type Act = Omit<Acting, 'nowMs'>;

const listMax = 1_000;

/** Machines as the log has them; there are few, and each is read as it is now. */
export class Clients {
  constructor(
    private readonly log: EventLog,
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  async find(clientId: string): Promise<ClientOfOwner | undefined> {
    const stream = clientStream(clientId);
    const streams = await this.log.readStreams([stream]);
    const client = fold(domainEvents<ClientEvent>(streams, stream));
    return client && { ...client, ownerId: streams.get(stream)?.[0]?.ownerId ?? '' };
  }

  async of(ownerId: string): Promise<readonly ClientOfOwner[]> {
    const { rows } = await this.database.query<{ client_id: string }>(
      `select client_id from clients where owner_id = $1 order by client_id limit ${listMax}`,
      [ownerId],
    );
    const found = await Promise.all(rows.map((row) => this.find(row.client_id)));
    return found.filter((client) => client !== undefined);
  }

  register(wanted: ClientFacts, act: Act): Promise<Result<ClientOfOwner, 'identity.client_exists'>> {
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
    const stream = clientStream(clientId);
    const acting = { ...act, nowMs: this.clock.now() };
    const recorded = await record<ClientEvent, C>(this.log, [stream], acting, (streams) => {
      const decided = decide(fold(domainEvents<ClientEvent>(streams, stream)));
      return decided.ok ? ok(new Map([[stream, decided.value]])) : decided;
    });
    return recorded.ok ? ok(known(await this.find(clientId))) : recorded;
  }
}

function known<T>(client: T | undefined): T {
  if (client === undefined) throw new Error('there is no such client');
  return client;
}
