import 'reflect-metadata';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { X509CrlReason } from '@peculiar/x509';
import type { Clock } from '@tsunagu/kernel';
import { signRevocationList } from './card-authority.js';
import type { IssuerStore } from './issuer-store.js';

/** How the issuer misbehaves in a test. */
export interface IssuerMode {
  lists: 'fresh' | 'stale' | 'unreachable';
  links: 'available' | 'unavailable';
}

/** What link data says of an authentication certificate. Hashes are SHA-256 of the DER, hex. */
export interface LinkAnswer {
  readonly firstIssue: boolean;
  /** Authentication certificates before it, nearest first. */
  readonly predecessors: readonly string[];
  /** The signature certificate of the same card. */
  readonly signatureCertificate: string | null;
}

const hourMs = 3_600_000;
/** Signed again after this long by the platform's clock, or when there is a new revocation. */
const listAgeMsMax = 60_000;

interface SignedList {
  readonly der: Buffer;
  readonly etag: string;
  readonly signedAt: number;
  readonly count: number;
}

/**
 * The issuer as verifiers reach it: `GET /crl/<authority>/<issuingPoint>.crl` (DER, ETag) and `GET /links/<sha256>`. `handle` takes paths
 * with or without a prefix of one segment (`/sim-issuer`).
 */
export class IssuerServer {
  mode: IssuerMode = { lists: 'fresh', links: 'available' };
  private readonly lists = new Map<string, SignedList>();

  constructor(
    private readonly store: IssuerStore,
    private readonly clock: Clock,
  ) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://issuer').pathname;
    const list = /\/crl\/([a-z]+-\d+)\/(\d{5})\.crl$/.exec(path);
    const link = /\/links\/([0-9a-f]{64})$/.exec(path);
    if (request.method !== 'GET' || (!list && !link)) return end(response, 404);
    if (link) return this.answerLink(link[1] ?? '', response);
    if (this.mode.lists === 'unreachable') return void response.destroy();
    const [, authority = '', issuingPoint = ''] = list ?? [];
    if (!this.store.authorities.has(authority)) return end(response, 404);
    const { der, etag } = await this.list(authority, issuingPoint);
    if (request.headers['if-none-match'] === etag) return end(response, 304);
    response.writeHead(200, { 'content-type': 'application/pkix-crl', etag, 'content-length': der.length }).end(der);
  }

  private answerLink(sha256: string, response: ServerResponse): void {
    const card = this.store.card(sha256);
    if (this.mode.links === 'unavailable' || !card) {
      end(response, card ? 503 : 404);
      return;
    }
    const predecessors = this.store.predecessors(card);
    const answer: LinkAnswer = {
      firstIssue: predecessors.length === 0,
      predecessors,
      signatureCertificate: card.signature?.sha256 ?? null,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private async list(authority: string, issuingPoint: string): Promise<SignedList> {
    const name = `${authority}/${issuingPoint}/${this.mode.lists}`;
    const revoked = this.store.revocations(authority, issuingPoint);
    const now = this.clock.now();
    const known = this.lists.get(name);
    const age = now - (known?.signedAt ?? Number.NEGATIVE_INFINITY);
    if (known && known.count === revoked.length && age >= 0 && age < listAgeMsMax) return known;
    const thisUpdate = this.mode.lists === 'stale' ? now - 72 * hourMs : now;
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

function end(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
