import { ok, type Result, refuse } from '@tsunagu/kernel';

/** A machine of an owner that gets its tokens by signing for them (RFC 7523). Stream `client-<clientId>`. */

/** What a machine may be. People with money in their hands are never machines. */
export const clientRoles = ['partner', 'kiosk', 'auditor'] as const;
export type ClientRole = (typeof clientRoles)[number];

/** A public key as a JWK: RSA of 2048 bits or more (`n`, `e`), P-256 (`crv`, `x`, `y`) or Ed25519 (`crv`, `x`). */
export interface ClientKey {
  readonly kid: string;
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly crv?: string;
  readonly n?: string;
  readonly e?: string;
  readonly x?: string;
  readonly y?: string;
}

export const providerIdForm = /^[a-z0-9][a-z0-9-]{0,39}$/;

export interface ClientFacts {
  readonly clientId: string;
  readonly role: ClientRole;
  readonly keys: readonly ClientKey[];
  /** Of a partner: the provider that it speaks for, by the word of its owner; absent where it speaks for none. */
  readonly providerId?: string;
}

export type ClientEvent =
  | {
      readonly type: 'ClientRegistered';
      readonly data: ClientFacts;
    }
  | {
      readonly type: 'ClientKeysReplaced';
      readonly data: { readonly clientId: string; readonly keys: readonly ClientKey[] };
    }
  | { readonly type: 'ClientDisabled'; readonly data: { readonly clientId: string } };

export interface Client extends ClientFacts {
  readonly state: 'active' | 'disabled';
}

export const initialState: Client | undefined = undefined;

export function evolve(client: Client | undefined, event: ClientEvent): Client {
  if (event.type === 'ClientRegistered') return { ...event.data, state: 'active' };
  if (!client) throw new Error(`${event.type} stands before ClientRegistered`);
  if (event.type === 'ClientKeysReplaced') return { ...client, keys: event.data.keys };
  return { ...client, state: 'disabled' };
}

export function fold(events: readonly ClientEvent[]): Client | undefined {
  return events.reduce<Client | undefined>(evolve, initialState);
}

export function decideRegister(
  client: Client | undefined,
  wanted: ClientFacts,
): Result<readonly ClientEvent[], 'identity.client_exists'> {
  return client ? refuse('identity.client_exists') : ok([{ type: 'ClientRegistered', data: wanted }]);
}

/** All keys at once: a machine changes its key by naming the old and the new one, later the new one alone. */
export function decideKeys(
  client: Client,
  keys: readonly ClientKey[],
): Result<readonly ClientEvent[], 'identity.client_disabled'> {
  if (client.state === 'disabled') return refuse('identity.client_disabled');
  if (JSON.stringify(client.keys) === JSON.stringify(keys)) return ok([]);
  return ok([{ type: 'ClientKeysReplaced', data: { clientId: client.clientId, keys } }]);
}

/** For good: another machine gets another id. */
export function decideDisable(client: Client): readonly ClientEvent[] {
  return client.state === 'disabled' ? [] : [{ type: 'ClientDisabled', data: { clientId: client.clientId } }];
}

export function clientStream(clientId: string): string {
  return `client-${clientId}`;
}
