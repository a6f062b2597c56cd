import { type Clock, RecentMap } from '@tsunagu/kernel';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import type { Issuer, Lineage, RevocationAnswer, RevocationPolicy, RevocationSubject } from './issuer.js';
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
  readonly registry: Registry;
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

  private readonly answers: Counter<'policy' | 'answer'>;
  private readonly links: Counter<'answer'>;

  constructor(private readonly options: IssuerOptions) {
    const { baseUrl, listCacheMs: cacheMs, breakMs, clock, logger, registry } = options;
    const registers = [registry];
    this.answers = new Counter({
      name: 'tsunagu_revocation_answers_total',
      help: 'Answers about revocation as they were decided: good_ocsp, good_list, revoked, unknown, stale, unreachable',
      labelNames: ['policy', 'answer'],
      registers,
    });
    this.links = new Counter({
      name: 'tsunagu_link_data_answers_total',
      help: "Questions about a certificate's lineage: answered, unavailable",
      labelNames: ['answer'],
      registers,
    });
    this.connection = new IssuerConnection(baseUrl);
    this.ocsp = new OcspClient({ connection: this.connection, breakMs, cacheMs, clock, logger });
    this.lists = new RevocationLists({ connection: this.connection, breakMs, cacheMs, clock, logger });
  }

  async revocation(
    certificate: RevocationSubject,
    authority: TrustedAuthority,
    policy: RevocationPolicy = 'reading',
  ): Promise<RevocationAnswer> {
    const answer = await this.decided(certificate, authority, policy);
    this.answers.inc({ policy, answer: answer.answer === 'good' ? `good_${answer.source}` : answer.answer });
    return answer;
  }

  /** OCSP first. The list is asked where OCSP says less than good: to say so instead where the policy lets it, and else only for a revocation. */
  private async decided(
    certificate: RevocationSubject,
    authority: TrustedAuthority,
    policy: RevocationPolicy,
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

  lineage(certificateHash: string): Promise<Lineage | undefined> {
    return this.linkData(`/links/${certificateHash}`, lineageFrom);
  }

  cardsOf(signatureCertificateHash: string): Promise<readonly string[] | undefined> {
    return this.linkData(`/signature-links/${signatureCertificateHash}`, cardsFrom);
  }

  private async linkData<T>(path: string, read: (answer: unknown) => T): Promise<T | undefined> {
    try {
      const { status, body } = await this.connection.get(path, linkBytesMax);
      if (status !== 200) throw new Error(`the issuer answered ${status}`);
      const answer = read(JSON.parse(Buffer.from(body).toString('utf8')));
      this.links.inc({ answer: 'answered' });
      return answer;
    } catch (error) {
      this.options.logger.warn({ reason: (error as Error).message }, 'link data cannot be read');
      this.links.inc({ answer: 'unavailable' });
      return undefined;
    }
  }
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && hash.test(value);
}

function areHashes(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= linkedMax && value.every(isHash);
}

function cardsFrom(answer: unknown): readonly string[] {
  const { authenticationCertificates: cards } = answer as Record<string, unknown>;
  if (!areHashes(cards) || cards.length === 0) throw new Error('link data in an unknown form');
  return cards;
}

function lineageFrom(answer: unknown): Lineage {
  const { firstIssue, predecessors, siblings = [], signatureCertificate } = answer as Record<string, unknown>;
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
