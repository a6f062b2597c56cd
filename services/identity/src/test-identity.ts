import { createPrivateKey, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestService, type TestAnswer, type TestService } from '@tsunagu/service-host/testing';
import {
  type Card,
  IssuerServer,
  IssuerStore,
  keyPool,
  type NewCardOptions,
  newCard,
  renewCard,
} from '@tsunagu/testing';
import { definition } from './index.js';

/** identity with a test issuer beside it, for specs. */
export interface TestIdentity {
  readonly service: TestService;
  readonly store: IssuerStore;
  readonly issuer: IssuerServer;
  card(options?: Partial<NewCardOptions>): Promise<Card>;
  renew(card: Card, options?: Partial<Parameters<typeof renewCard>[2]>): Promise<Card>;
  /** A challenge, signed by the card, presented. */
  session(
    card: Card,
    options?: {
      withAttributes?: boolean;
      attributesOf?: Card;
      change?: (body: SessionBody) => SessionBody;
      /** Presented with this token; `join` goes into the body. */
      token?: string;
      join?: boolean;
    },
  ): Promise<TestAnswer>;
  /** `proof` of a write: a challenge for this act, signed by the card. */
  proof(card: Card, purpose: string, operation: object): Promise<{ challengeId: string; signature: string }>;
  /** A card that has signed in, with its person and token. */
  citizen(card?: Card): Promise<{ card: Card; personId: string; token: string; myKeyId: string | null }>;
  /** A card tapped at a terminal: a session there, and the terminal's own token. */
  tap(card: Card, terminalId?: string): Promise<{ answer: TestAnswer; kiosk: string; terminalSessionId: string }>;
  close(): Promise<void>;
}

export interface SessionBody {
  challengeId: string;
  certificate: string;
  signature: string;
  attributes?: { certificate: string; signature: string };
  join?: boolean;
}

const keys = keyPool(4);
let taps = 0;

/** `pinned`: further CA certificates that it trusts, PEM by file name; `env`: settings of its own. */
export async function startTestIdentity(
  profile: 'test' | 'production' = 'test',
  { pinned = {}, env = {} }: { pinned?: Readonly<Record<string, string>>; env?: Readonly<Record<string, string>> } = {},
): Promise<TestIdentity> {
  const directory = mkdtempSync(join(tmpdir(), 'tsunagu-identity-'));
  const store = await IssuerStore.open(directory);
  for (const [file, pem] of Object.entries(pinned))
    writeFileSync(join(IssuerStore.trustDirectory(directory), file), pem);
  let nowMs = () => 0;
  const issuer = new IssuerServer(store, { now: () => nowMs() });
  const server = createServer((request, response) => void issuer.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const service = await startTestService(definition, {
    profile,
    env: {
      TSUNAGU_ISSUER_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-issuer`,
      TSUNAGU_TRUSTED_CA_DIRECTORY: IssuerStore.trustDirectory(directory),
      TSUNAGU_REVOCATION_LIST_CACHE_MS: '0',
      TSUNAGU_ISSUER_BREAK_MS: '0',
      ...env,
    },
  });
  nowMs = () => service.clock.now();
  const identity: TestIdentity = {
    service,
    store,
    issuer,
    card: (options) => newCard(store, { keys, nowMs: service.clock.now(), ...options }),
    renew: (card, options) => renewCard(store, card, { keys, nowMs: service.clock.now(), ...options }),
    async session(card, { withAttributes, attributesOf, change = (body: SessionBody) => body, token, join } = {}) {
      const { body } = await service.call('POST', '/identity/v1/challenges', { body: {} });
      const nonce = Buffer.from(body.nonce, 'base64url');
      const request: SessionBody = {
        challengeId: body.challengeId,
        certificate: card.certificate,
        signature: signed(card.privateKey, nonce),
      };
      const other = attributesOf ?? (withAttributes ? card : undefined);
      if (other) {
        request.attributes = {
          certificate: other.signatureCertificate ?? '',
          signature: signed(other.signaturePrivateKey ?? '', nonce),
        };
      }
      if (join !== undefined) request.join = join;
      const given = token === undefined ? {} : { token };
      return service.call('POST', '/identity/v1/sessions', { body: change(request), ...given });
    },
    async proof(card, purpose, operation) {
      const { body } = await service.call('POST', '/identity/v1/challenges', { body: { purpose, operation } });
      const nonce = Buffer.from(body.nonce, 'base64url');
      return { challengeId: body.challengeId, signature: signed(card.privateKey, nonce) };
    },
    async citizen(given) {
      const card = given ?? (await identity.card());
      const { body } = await identity.session(card);
      return { card, token: body.accessToken, ...body.person };
    },
    async tap(card, terminalId = `terminal-${taps++}`) {
      const kiosk = await service.token({ role: 'kiosk', subject: terminalId });
      const proof = await identity.proof(card, 'terminal_session', { terminalId });
      const body = { ...proof, certificate: card.certificate };
      const answer = await service.call('POST', '/identity/v1/terminal-sessions', { token: kiosk, body });
      return { answer, kiosk, terminalSessionId: answer.body.terminalSessionId };
    },
    async close() {
      await service.close();
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return identity;
}

export function signed(privateKey: string, nonce: Buffer): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  return sign('sha256', nonce, key).toString('base64');
}
