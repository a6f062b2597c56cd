import 'reflect-metadata';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { X509CrlReason } from '@peculiar/x509';
import type { Clock } from '@tsunagu/kernel';
import { signRevocationList } from './card-authority.js';
import type { IssuerStore } from './issuer-store.js';
import { type OcspMode, OcspResponder } from './ocsp-responder.js';

/** How the issuer misbehaves in a test. */
export interface IssuerMode {
  ocsp: OcspMode;
  /** `yesterday`: the list of a day ago, before later revocations. `wrong_point`: the list of another issuing point. */
  lists: 'fresh' | 'yesterday' | 'stale' | 'unreachable' | 'wrong_point';
  /** `missing`: it answers, knows the certificate and names none before it, whatever the books say (the 506 people of DOMAIN §2). */
  links: 'available' | 'unavailable' | 'missing';
}

export const workingIssuer: Readonly<IssuerMode> = { ocsp: 'fresh', lists: 'fresh', links: 'available' };

/** What link data says of an authentication certificate. Hashes are SHA-256 of the DER, hex. */
export interface LinkAnswer {
  readonly firstIssue: boolean;
  /** Authentication certificates before it, nearest first. */
  readonly predecessors: readonly string[];
  /** Authentication certificates beside it: the phones of a card, the cards of a phone. */
  readonly siblings: readonly string[];
  /** The signature certificate of the same card. */
  readonly signatureCertificate: string | null;
}

/** What link data says of a signature certificate: the authentication certificates of the card that it is on. */
export interface CardsAnswer {
  readonly authenticationCertificates: readonly string[];
}

const hourMs = 3_600_000;
const requestBytesMax = 65_536;
/** Stands for a municipality that no card is of. */
const otherPoint = '99999';
/** Signed again after this long by the platform's clock, or when there is a new revocation. */
const listAgeMsMax = 60_000;

interface SignedList {
  readonly der: Buffer;
  readonly etag: string;
  readonly signedAt: number;
  readonly count: number;
}

/**
 * The issuer as verifiers reach it: `POST /ocsp/<authority>` (RFC 6960, DER), `GET /crl/<authority>/<issuingPoint>.crl` (DER, ETag) and
 * `GET /links/<sha256>`, `GET /signature-links/<sha256>`. `handle` takes paths with or without a prefix of one segment (`/sim-issuer`).
 */
export class IssuerServer {
  mode: IssuerMode = { ...workingIssuer };
  private readonly lists = new Map<string, SignedList>();
  private readonly responder: OcspResponder;

  constructor(
    private readonly store: IssuerStore,
    private readonly clock: Clock,
  ) {
    this.responder = new OcspResponder(store, clock);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://issuer').pathname;
    const question = /\/ocsp\/([a-z]+-\d+)$/.exec(path);
    if (request.method === 'POST' && question) return this.answerQuestion(question[1] ?? '', request, response);
    const list = /\/crl\/([a-z]+-\d+)\/(\d{5})\.crl$/.exec(path);
    const link = /\/links\/([0-9a-f]{64})$/.exec(path);
    const cards = /\/signature-links\/([0-9a-f]{64})$/.exec(path);
    if (request.method !== 'GET' || (!list && !link && !cards)) return end(response, 404);
    if (cards) return this.answerCards(cards[1] ?? '', response);
    if (link) return this.answerLink(link[1] ?? '', response);
    if (this.mode.lists === 'unreachable') return void response.destroy();
    const [, authority = '', issuingPoint = ''] = list ?? [];
    if (!this.store.authorities.has(authority)) return end(response, 404);
    const { der, etag } = await this.list(authority, this.mode.lists === 'wrong_point' ? otherPoint : issuingPoint);
    if (request.headers['if-none-match'] === etag) return end(response, 304);
    response.writeHead(200, { 'content-type': 'application/pkix-crl', etag, 'content-length': der.length }).end(der);
  }

  private async answerQuestion(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.mode.ocsp === 'unreachable') return void response.destroy();
    if (this.mode.ocsp === 'silent') return;
    const authority = this.store.authorities.get(id);
    if (!authority) return end(response, 404);
    const question = await bodyOf(request);
    if (!question) return end(response, 413);
    const der = await this.responder.answer(authority, question, this.mode.ocsp);
    response.writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': der.length }).end(der);
  }

  private answerLink(sha256: string, response: ServerResponse): void {
    const ties = this.store.ties(sha256);
    if (this.mode.links === 'unavailable' || !ties) {
      end(response, ties ? 503 : 404);
      return;
    }
    const { predecessors, siblings } = this.mode.links === 'missing' ? { predecessors: [], siblings: [] } : ties;
    const { signatureCertificate } = ties;
    const answer: LinkAnswer = {
      firstIssue: predecessors.length === 0,
      predecessors,
      siblings,
      signatureCertificate,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private answerCards(sha256: string, response: ServerResponse): void {
    const card = this.store.cardOfSignature(sha256);
    if (this.mode.links === 'unavailable' || card === undefined) {
      end(response, card === undefined ? 404 : 503);
      return;
    }
    const answer: CardsAnswer = { authenticationCertificates: [card] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private async list(authority: string, issuingPoint: string): Promise<SignedList> {
    const { lists } = this.mode;
    const name = `${authority}/${issuingPoint}/${lists}`;
    const now = this.clock.now();
    const thisUpdate = now - (lists === 'stale' ? 72 : lists === 'yesterday' ? 24 : 0) * hourMs;
    const revoked = this.store
      .revocations(authority, issuingPoint)
      .filter(({ revocation }) => lists !== 'yesterday' || Date.parse(revocation.at) <= thisUpdate);
    const known = this.lists.get(name);
    const age = now - (known?.signedAt ?? Number.NEGATIVE_INFINITY);
    if (known && known.count === revoked.length && age >= 0 && age < listAgeMsMax) return known;
    const der = await signRevocationList(this.store.authority(authority), {
      issuingPoint,
      number: now,
      thisUpdate: new Date(thisUpdate),
      nextUpdate: new Date(thisUpdate + 24 * hourMs),
      entries: revoked.map(({ record, revocation }) => ({
        serial: record.serial,
        at: new Date(revocation.at),
        reason: X509CrlReason[revocation.reason],
      })),
    });
    const etag = `"${createHash('sha256').update(der).digest('hex').slice(0, 32)}"`;
    const signed = { der, etag, signedAt: now, count: revoked.length };
    this.lists.set(name, signed);
    return signed;
  }
}

/** Empty where the connection ended before the body did; undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > requestBytesMax) return undefined;
      parts.push(part);
    }
  } catch {
    return Buffer.alloc(0);
  }
  return Buffer.concat(parts);
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
