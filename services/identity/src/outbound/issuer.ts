import { type Clock, isoTime } from '@tsunagu/kernel';
import type { Logger } from 'pino';
import type { CardCertificate } from '../verification/card-certificate.js';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import { type RevocationList, readRevocationList } from './revocation-list.js';

/** Whether a certificate was revoked, as of the list that was asked. */
export type RevocationAnswer =
  | { readonly answer: 'good'; readonly asOf: string }
  | { readonly answer: 'revoked'; readonly asOf: string; readonly reason: string }
  /** The newest list to be had is past its next update. */
  | { readonly answer: 'stale'; readonly asOf: string }
  | { readonly answer: 'unreachable' };

/** What link data says of an authentication certificate. Hashes are SHA-256 of the DER, hex. */
export interface Lineage {
  /** Authentication certificates before it, nearest first; empty for a first issue. */
  readonly predecessors: readonly string[];
  readonly signatureCertificate: string | null;
}

/** What a certificate's revocation is asked by; raw certificates are not kept (DOMAIN §3). */
export type RevocationSubject = Pick<CardCertificate, 'hash' | 'serial' | 'issuingPoint' | 'authorityKeyId'>;

export interface IssuerOptions {
  readonly baseUrl: string;
  /** A list that was looked at so recently (real time) is not asked for again. */
  readonly listCacheMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const timeoutMs = 2_000;
const listBytesMax = 20_000_000;
const linkBytesMax = 65_536;
const predecessorsMax = 50;
const hash = /^[0-9a-f]{64}$/;

interface KeptList {
  readonly list: RevocationList;
  readonly etag: string | null;
  /** performance.now() */
  readonly lookedAt: number;
}

/** The issuer's revocation lists and link data. Only the path of a certificate's issuing point is used, never its host. */
export class Issuer {
  private readonly lists = new Map<string, KeptList>();
  private readonly reading = new Map<string, Promise<KeptList | undefined>>();

  constructor(private readonly options: IssuerOptions) {}

  async revocation(certificate: RevocationSubject, authority: TrustedAuthority): Promise<RevocationAnswer> {
    const kept = certificate.issuingPoint && (await this.list(certificate.issuingPoint, authority));
    if (!kept) return { answer: 'unreachable' };
    const { revoked, thisUpdateMs, nextUpdateMs } = kept.list;
    const asOf = isoTime(thisUpdateMs);
    const entry = revoked.get(certificate.serial);
    // What was revoked stays revoked, so even an old list is enough to say so.
    if (entry) return { answer: 'revoked', asOf, reason: entry.reason };
    return this.options.clock.now() > nextUpdateMs ? { answer: 'stale', asOf } : { answer: 'good', asOf };
  }

  /** Undefined when the source does not answer, or does not know the certificate, which its own issuer always does. */
  async lineage(certificateHash: string): Promise<Lineage | undefined> {
    try {
      const response = await this.get(`/links/${certificateHash}`, {});
      if (response.status !== 200) return undefined;
      return lineageFrom(JSON.parse(Buffer.from(await bytesOf(response, linkBytesMax)).toString('utf8')));
    } catch (error) {
      this.options.logger.warn({ reason: (error as Error).message }, 'link data cannot be read');
      return undefined;
    }
  }

  /** One look at a time for a list; everybody who asks meanwhile gets its outcome. */
  private list(issuingPoint: string, authority: TrustedAuthority): Promise<KeptList | undefined> {
    const name = `${authority.keyId} ${issuingPoint}`;
    const kept = this.lists.get(name);
    if (kept && performance.now() - kept.lookedAt < this.options.listCacheMs && !this.isPast(kept)) {
      return Promise.resolve(kept);
    }
    const running = this.reading.get(name);
    if (running) return running;
    const reading = this.look(name, issuingPoint, authority).finally(() => this.reading.delete(name));
    this.reading.set(name, reading);
    return reading;
  }

  private isPast({ list }: KeptList): boolean {
    return this.options.clock.now() > list.nextUpdateMs;
  }

  /** The list as it is now; where it cannot be read, the one known before. */
  private async look(name: string, issuingPoint: string, authority: TrustedAuthority): Promise<KeptList | undefined> {
    const kept = this.lists.get(name);
    try {
      const response = await this.get(new URL(issuingPoint).pathname, kept?.etag ? { 'if-none-match': kept.etag } : {});
      if (response.status === 304 && kept) return this.keep(name, { ...kept, lookedAt: performance.now() });
      if (response.status !== 200) throw new Error(`the issuer answered ${response.status}`);
      const list = await readRevocationList(await bytesOf(response, listBytesMax), {
        issuerKeyDer: authority.publicKeyDer,
        issuingPoint,
        nowMs: this.options.clock.now(),
      });
      // An older list than the one known would bring revoked certificates back.
      if (kept && list.thisUpdateMs < kept.list.thisUpdateMs) return kept;
      return this.keep(name, { list, etag: response.headers.get('etag'), lookedAt: performance.now() });
    } catch (error) {
      this.options.logger.warn({ reason: (error as Error).message }, 'a revocation list cannot be read');
      return kept;
    }
  }

  private keep(name: string, list: KeptList): KeptList {
    this.lists.set(name, list);
    return list;
  }

  private get(path: string, headers: Record<string, string>): Promise<Response> {
    const url = this.options.baseUrl.replace(/\/+$/, '') + path;
    return fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  }
}

async function bytesOf(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error('the issuer answered too much');
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function lineageFrom(answer: unknown): Lineage {
  const { firstIssue, predecessors, signatureCertificate } = answer as Record<string, unknown>;
  const isHash = (value: unknown): value is string => typeof value === 'string' && hash.test(value);
  if (
    !Array.isArray(predecessors) ||
    predecessors.length > predecessorsMax ||
    !predecessors.every(isHash) ||
    firstIssue !== (predecessors.length === 0) ||
    !(signatureCertificate === null || isHash(signatureCertificate))
  ) {
    throw new Error('link data in an unknown form');
  }
  return { predecessors, signatureCertificate };
}
