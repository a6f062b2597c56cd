import { createPrivateKey, randomInt, sign } from 'node:crypto';
import type { Card } from '@tsunagu/testing';
import type { Answer, ApiClient } from '../src/api-client.js';
import { issueCards } from '../src/cards.js';
import { citizenTokens } from '../src/citizen-tokens.js';
import { DataDirectory } from '../src/data-directory.js';
import { type DatabaseUrls, databaseUrls } from '../src/database.js';
import { type StaffRole, signStaffToken } from '../src/staff-tokens.js';
import { readClock } from '../src/stored-clock.js';
import type { PlatformProcess } from './platform-process.js';

const HOUR_MS = 3_600_000;

export interface Session {
  readonly accessToken: string;
  readonly person: { readonly personId: string; readonly myKeyId: string | null };
  readonly code?: string;
}

export interface Tapped {
  readonly terminalToken: string;
  readonly terminalSessionId: string;
  readonly accessToken: string;
}

/** What a card presents: its own certificates over the nonce, unless a test says otherwise. */
export interface Presentation {
  readonly challengeId?: string;
  readonly signature?: string;
  /** Whose signature certificate lets the attributes be read; none where absent. */
  readonly attributesOf?: Card;
}

/**
 * Cards, sessions and tokens for a platform in another process, made by the code behind the command line but in this one: a command for
 * each would take most of a spec's time.
 */
export class People {
  private constructor(
    readonly api: ApiClient,
    readonly directory: DataDirectory,
    readonly databases: DatabaseUrls,
    readonly internalUrl: string,
  ) {}

  static of(platform: PlatformProcess): People {
    const directory = new DataDirectory(platform.dataDirectory);
    const running = directory.running();
    if (!running) throw new Error('the platform is not running');
    const databases = databaseUrls(running.postgresUrl, directory.passwords());
    return new People(platform.api, directory, databases, running.internalUrl);
  }

  nowMs(): Promise<number> {
    return readClock(this.databases).then(({ nowMs }) => nowMs);
  }

  /** `issuedMsAgo` makes a token of the past, or with a negative value of the future. */
  async staff(
    role: StaffRole,
    { subject = role, ownerId, issuedMsAgo = 0 }: { subject?: string; ownerId?: string; issuedMsAgo?: number } = {},
  ): Promise<string> {
    const nowMs = (await this.nowMs()) - issuedMsAgo;
    return signStaffToken(this.directory.keys, { role, subject, ownerId, ttlMs: HOUR_MS, nowMs });
  }

  /** Tokens of registered persons, whose attributes were read. */
  citizens(count: number, attributes: { birthDate?: string; residence?: string } = {}): Promise<string[]> {
    const { birthDate, residence } = attributes;
    return citizenTokens(this, { count, birthDate, residence, ttlMs: 6 * HOUR_MS });
  }

  async citizen(attributes: { birthDate?: string; residence?: string } = {}): Promise<string> {
    const [token = ''] = await this.citizens(1, attributes);
    return token;
  }

  cards(count: number, attributes: { birthDate?: string; residence?: string } = {}): Promise<Card[]> {
    return issueCards(this, { count, ...attributes });
  }

  async card(attributes: { birthDate?: string; residence?: string } = {}): Promise<Card> {
    const [card] = await this.cards(1, attributes);
    if (!card) throw new Error('the test issuer made no card');
    return card;
  }

  challenge(): Promise<{ challengeId: string; nonce: string }> {
    return this.api.expect(201, 'POST', '/identity/v1/challenges', { body: {} });
  }

  /** The card's word for one act: a challenge for it, signed. */
  async proof(card: Card, purpose: string, operation: object): Promise<{ challengeId: string; signature: string }> {
    const { challengeId, nonce } = await this.api.expect<{ challengeId: string; nonce: string }>(
      201,
      'POST',
      '/identity/v1/challenges',
      { body: { purpose, operation } },
    );
    return { challengeId, signature: signed(card.privateKey, nonce) };
  }

  /** A card is tapped at a counter or kiosk: the terminal's token and the person's. */
  async tap(card: Card, terminalId: string): Promise<Tapped> {
    const terminalToken = await this.staff('kiosk', { subject: terminalId });
    const body = { ...(await this.proof(card, 'terminal_session', { terminalId })), certificate: card.certificate };
    const path = '/identity/v1/terminal-sessions';
    const opened = await this.api.expect<Omit<Tapped, 'terminalToken'>>(201, 'POST', path, {
      token: terminalToken,
      body,
    });
    return { ...opened, terminalToken };
  }

  /** Signs in with a card; refusals are answers. */
  async signIn(card: Card, presented: Presentation = {}): Promise<Answer<Session>> {
    const { challengeId, nonce } = await this.challenge();
    const { attributesOf } = presented;
    return this.api.call<Session>('POST', '/identity/v1/sessions', {
      body: {
        challengeId: presented.challengeId ?? challengeId,
        certificate: card.certificate,
        signature: presented.signature ?? signed(card.privateKey, nonce),
        ...(attributesOf && {
          attributes: {
            certificate: attributesOf.signatureCertificate,
            signature: signed(attributesOf.signaturePrivateKey, nonce),
          },
        }),
      },
    });
  }
}

/** What a card's key makes of a nonce (base64url), base64. */
export function signed(privateKey: string | undefined, nonce: string): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey ?? '', 'base64'), format: 'der', type: 'pkcs8' });
  return sign('sha256', Buffer.from(nonce, 'base64url'), key).toString('base64');
}

/** An account at the simulated provider that nobody else has: its code is the last four digits. */
export function simPayAccount(): { providerId: string; providerAccountId: string; securityCode: string } {
  const digits = Array.from({ length: 4 }, () => String(randomInt(10_000)).padStart(4, '0')).join('');
  return { providerId: 'sim-pay', providerAccountId: digits, securityCode: digits.slice(-4) };
}

/** `409 campaign.paused`: what a refusal is told by, in one line. */
export function refusal({ status, body }: Answer<unknown>): string {
  return `${status} ${(body as { code?: string } | undefined)?.code ?? JSON.stringify(body)}`;
}
