import { type Clock, RecentMap } from '@tsunagu/kernel';
import type { Logger } from 'pino';
import type { CardCertificate } from '../verification/card-certificate.js';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import type { Issuer, Lineage, RevocationAnswer, RevocationPolicy } from './issuer.js';
import { IssuerConnection } from './issuer-connection.js';
import { OcspClient } from './ocsp-client.js';
import { RevocationLists } from './revocation-lists.js';
import { decideRevocation } from './revocation-policy.js';

export interface IssuerOptions {
  readonly baseUrl: string;
  /** A list that was looked at, or a good answer that was read, so recently (real time) is not asked for again. */
  readonly listCacheMs: number;
  /** What did not answer is left alone for so long, real time (`ShortBreak`). */
  readonly breakMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const linkBytesMax = 65_536;
const linkedMax = 50;
/** Certificates remembered as revoked: between so many and twice as many. */
const revokedMax = 10_000;
const hash = /^[0-9a-f]{64}$/;

/** The issuer over HTTP: OCSP, revocation lists and link data, all at one address. */
export class HttpIssuer implements Issuer {
  private readonly connection: IssuerConnection;
  private readonly ocsp: OcspClient;
  private readonly lists: RevocationLists;
  /** By certificate hash. What was revoked stays revoked, a hold too, whatever a source says later. */
  private readonly revoked = new RecentMap<string, RevocationAnswer>(revokedMax);

  constructor(private readonly options: IssuerOptions) {
    const { baseUrl, listCacheMs: cacheMs, breakMs, clock, logger } = options;
    this.connection = new IssuerConnection(baseUrl);
    this.ocsp = new OcspClient({ connection: this.connection, breakMs, cacheMs, clock, logger });
    this.lists = new RevocationLists({ connection: this.connection, breakMs, cacheMs, clock, logger });
  }

  /** OCSP first. The list is asked where OCSP says less than good: to say so instead where the policy lets it, and else only for a revocation. */
  async revocation(
    certificate: CardCertificate,
    authority: TrustedAuthority,
    policy: RevocationPolicy = 'reading',
  ): Promise<RevocationAnswer> {
    const before = this.revoked.get(certificate.hash);
    if (before) return before;
    const ocsp = await this.ocsp.ask(certificate, authority);
    const nowMs = this.options.clock.now();
    const isSaid = ocsp?.status === 'revoked' || (ocsp?.status === 'good' && nowMs <= ocsp.usableUntilMs);
    const list = isSaid ? this.lists.known(certificate, authority) : await this.lists.ask(certificate, authority);
    const answer = decideRevocation({ ocsp, list, policy, nowMs });
    if (answer.answer === 'revoked') {
      this.revoked.set(certificate.hash, answer);
      this.ocsp.forget(certificate);
    }
    return answer;
  }

  async lineage(certificateHash: string): Promise<Lineage | undefined> {
    try {
      const response = await this.connection.get(`/links/${certificateHash}`, linkBytesMax);
      if (response.status !== 200) return undefined;
      return lineageFrom(JSON.parse(Buffer.from(response.body).toString('utf8')));
    } catch (error) {
      this.options.logger.warn({ reason: (error as Error).message }, 'link data cannot be read');
      return undefined;
    }
  }
}

function lineageFrom(answer: unknown): Lineage {
  const { firstIssue, predecessors, siblings = [], signatureCertificate } = answer as Record<string, unknown>;
  const isHash = (value: unknown): value is string => typeof value === 'string' && hash.test(value);
  const areHashes = (value: unknown): value is string[] =>
    Array.isArray(value) && value.length <= linkedMax && value.every(isHash);
  if (
    !areHashes(predecessors) ||
    !areHashes(siblings) ||
    firstIssue !== (predecessors.length === 0) ||
    !(signatureCertificate === null || isHash(signatureCertificate))
  ) {
    throw new Error('link data in an unknown form');
  }
  return { predecessors, siblings, signatureCertificate };
}
