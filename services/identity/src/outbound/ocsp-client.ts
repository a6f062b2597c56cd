import { type OCSPResponse, OCSPResponseStatus } from '@peculiar/asn1-ocsp';
import { type Clock, RecentMap } from '@tsunagu/kernel';
import type { Logger } from 'pino';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import type { RevocationSubject } from './issuer.js';
import { type IssuerConnection, pathOf } from './issuer-connection.js';
import {
  type CertIdHash,
  OcspRefusal,
  type OcspStatus,
  ocspQuestion,
  openOcspAnswer,
  readOcspAnswer,
} from './ocsp-message.js';
import { ShortBreak } from './short-break.js';

export interface OcspOptions {
  readonly connection: IssuerConnection;
  /** Real time. */
  readonly breakMs: number;
  /** A good answer is used again for so long, real time. */
  readonly cacheMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const answerBytesMax = 65_536;
const needsTime = [OCSPResponseStatus.tryLater, OCSPResponseStatus.internalError];
/** Good answers kept: between so many and twice as many. */
const keptMax = 20_000;

interface KeptAnswer {
  readonly status: OcspStatus;
  /** performance.now() */
  readonly readAt: number;
}

/** Asks the responder that a certificate names, at the issuer's own address. */
export class OcspClient {
  private readonly good = new RecentMap<string, KeptAnswer>(keptMax);
  private readonly asking = new Map<string, Promise<OcspStatus | undefined>>();
  /** By path; only a CA's own certificates name one. */
  private readonly breaks = new Map<string, ShortBreak>();
  private readonly idHashes = new Map<string, CertIdHash>();

  constructor(private readonly options: OcspOptions) {}

  /** Undefined when there is no answer that can be believed. Everybody who asks the same meanwhile gets the same answer. */
  ask(certificate: RevocationSubject, authority: TrustedAuthority): Promise<OcspStatus | undefined> {
    const name = certificate.hash;
    const kept = this.good.get(name);
    if (kept && this.isCurrent(kept)) return Promise.resolve(kept.status);
    const running = this.asking.get(name);
    if (running) return running;
    const asking = this.read(certificate, authority).finally(() => this.asking.delete(name));
    this.asking.set(name, asking);
    return asking;
  }

  /** Another source said that it was revoked. */
  forget(certificate: RevocationSubject): void {
    this.good.delete(certificate.hash);
  }

  private isCurrent({ readAt, status }: KeptAnswer): boolean {
    const { cacheMs, clock } = this.options;
    const now = clock.now();
    return performance.now() - readAt < cacheMs && status.thisUpdateMs <= now && now <= status.usableUntilMs;
  }

  private async read(certificate: RevocationSubject, authority: TrustedAuthority): Promise<OcspStatus | undefined> {
    try {
      const responder = certificate.ocspUri;
      if (responder === null) return undefined;
      const readAt = performance.now();
      const status = await this.question(pathOf(responder), certificate.serial, authority);
      if (status?.status === 'good') this.good.set(certificate.hash, { status, readAt });
      else this.good.delete(certificate.hash);
      return status;
    } catch (error) {
      this.options.logger.warn({ reason: (error as Error).message }, 'an OCSP responder gives no answer that counts');
      return undefined;
    }
  }

  /** By SHA-256; where the responder refuses that, by SHA-1 (RFC 5019 knows no other), remembered for its authority once it was taken. */
  private async question(path: string, serial: string, authority: TrustedAuthority): Promise<OcspStatus | undefined> {
    const idHash = this.idHashes.get(authority.keyId) ?? 'sha256';
    try {
      return await this.exchange(path, serial, authority, idHash);
    } catch (error) {
      const { malformedRequest, unauthorized } = OCSPResponseStatus;
      const isRefused = error instanceof OcspRefusal && [malformedRequest, unauthorized].includes(error.status);
      if (!isRefused || idHash === 'sha1') throw error;
      const status = await this.exchange(path, serial, authority, 'sha1');
      this.idHashes.set(authority.keyId, 'sha1');
      return status;
    }
  }

  private async exchange(path: string, serial: string, authority: TrustedAuthority, idHash: CertIdHash) {
    const { connection, clock, breakMs } = this.options;
    const pause = this.breaks.get(path) ?? new ShortBreak(breakMs);
    this.breaks.set(path, pause);
    const question = ocspQuestion(serial, authority, idHash);
    // An answer that does not count concerns one certificate and begins no break; no answer, or one that asks for time, does.
    const came = await pause.ask(async () => {
      const response = await connection.post(path, answerBytesMax, question.der, 'application/ocsp-request');
      if (response.status !== 200) throw new Error(`the OCSP responder answered ${response.status}`);
      const answer = opened(response.body);
      if (answer && needsTime.includes(answer.responseStatus)) throw new OcspRefusal(answer.responseStatus);
      return { answer };
    });
    if (!came) return undefined;
    if (!came.answer) throw new Error('the OCSP responder answered something else');
    return readOcspAnswer(came.answer, question, authority, clock.now());
  }
}

function opened(der: Uint8Array<ArrayBuffer>): OCSPResponse | undefined {
  try {
    return openOcspAnswer(der);
  } catch {
    return undefined;
  }
}
