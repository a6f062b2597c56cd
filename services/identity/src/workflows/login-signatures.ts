import { type Clock, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import type { Issuer } from '../outbound/issuer.js';
import type { LoginSignature } from '../outbound/login-signing.js';
import { type Attributes, readAttributes } from '../verification/attributes.js';
import { readCertificate } from '../verification/card-certificate.js';
import { type CheckRefusal, checkPresented } from '../verification/checks.js';
import type { SignatureThreads } from '../verification/signature-threads.js';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import { wholeLineage } from './whole-lineage.js';

/** A card that signed in a login, as far as it is proven. */
export interface ProvenCard {
  /** Authentication certificates of the card that signed, by hash; at least one. */
  readonly ownHashes: readonly string[];
  /** Those before them and beside them, nearest first. */
  readonly linkedHashes: readonly string[];
  readonly read: Attributes;
}

export type SignatureRefusal = CheckRefusal | 'identity.lineage_unavailable';

export interface LoginSignaturesParts {
  readonly issuer: Issuer;
  readonly authorities: readonly TrustedAuthority[];
  readonly signatures: SignatureThreads;
  readonly clock: Clock;
  readonly profile: 'test' | 'production';
}

/** From what the login's signing function gave to the card that signed: checked as in a session, then asked for in link data. */
export class LoginSignatures {
  constructor(private readonly parts: LoginSignaturesParts) {}

  async check(given: LoginSignature, message: Buffer): Promise<Result<ProvenCard, SignatureRefusal>> {
    const { clock } = this.parts;
    const certificate = readCertificate(given.certificate);
    if (!certificate) return refuse('identity.signature_invalid', about);
    const nowMs = clock.now();
    const presented = [{ kind: 'signature', certificate, signature: given.signature }] as const;
    const checked = await checkPresented(presented, { nonce: message, nowMs, ...this.parts });
    if (!checked.ok) {
      const { code, retryAfterSeconds } = checked.refusal;
      return refuse(code, { ...about, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
    }
    const tied = await this.tied(certificate.hash);
    if (!tied) return refuse('identity.lineage_unavailable', { retryAfterSeconds: 5 });
    return ok({ ...tied, read: readAttributes(certificate, isoTime(nowMs)) });
  }

  /** Undefined where the source does not answer on one of them. */
  private async tied(signatureCertificateHash: string): Promise<Omit<ProvenCard, 'read'> | undefined> {
    const { issuer } = this.parts;
    const ownHashes = await issuer.cardsOf(signatureCertificateHash);
    if (!ownHashes) return undefined;
    const linkedHashes: string[] = [];
    for (const own of ownHashes) {
      const lineage = await wholeLineage((hash) => issuer.lineage(hash), own);
      if (!lineage) return undefined;
      linkedHashes.push(...lineage.predecessors, ...lineage.siblings);
    }
    return { ownHashes, linkedHashes };
  }
}

const about = { detail: 'This concerns the certificate that signed in the login.' };
