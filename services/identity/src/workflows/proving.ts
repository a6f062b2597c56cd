import { hash, verify } from 'node:crypto';
import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isId, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { type CertificateBound, certificateStream, personOf } from '../domain/certificate.js';
import type { Person } from '../domain/person.js';
import type { Act, ChallengeRefusal, Challenges } from '../outbound/challenges.js';
import type { Issuer } from '../outbound/issuer.js';
import type { KeptCertificate, KeptCertificates } from '../outbound/kept-certificates.js';
import type { Vault } from '../outbound/vault.js';
import { domainEvents } from '../recording.js';
import { isValidAt, type TrustedAuthority } from '../verification/trusted-authorities.js';
import type { CardChecks } from './card-checks.js';
import type { Survivors } from './survivors.js';

/** What a person holds against one write (API.md `proof`). */
export interface SignedProof {
  readonly challengeId: string;
  readonly signature: Buffer;
}

/** What a terminal of ours says of a card that lies in it: read without a PIN. */
export interface HeldProof {
  readonly challengeId: string;
  /** SHA-256 of the DER, hex. */
  readonly certificateHash: string;
}

export interface Proven {
  readonly personId: string;
  readonly certificateRef: string;
}

export type ProofRefusal =
  | ChallengeRefusal
  | 'identity.fresh_proof_required'
  | 'identity.signature_invalid'
  | 'identity.chain_untrusted'
  | 'identity.certificate_expired'
  | 'identity.certificate_revoked'
  | 'identity.revocation_unavailable'
  | 'identity.erased';

export interface ProvingParts {
  readonly log: EventLog;
  readonly challenges: Challenges;
  readonly vault: Vault;
  readonly kept: KeptCertificates;
  readonly survivors: Survivors;
  readonly cardChecks: Pick<CardChecks, 'presented'>;
  readonly issuer: Issuer;
  readonly authorities: readonly TrustedAuthority[];
  readonly clock: Clock;
  /** A held proof counts so long after the certificate's last signed one. */
  readonly heldDays: number;
}

const dayMs = 86_400_000;

/** Whether a person's card stands behind one act: `signed` with the PIN, or `held` at a terminal of ours. */
export class Proving {
  constructor(private readonly parts: ProvingParts) {}

  /** A signature over the act's challenge by a certificate that belongs to this person and is good now; by `onlyRef` where it is given. */
  async signed(
    proof: SignedProof | undefined,
    personId: string,
    act: Act,
    onlyRef?: string,
  ): Promise<Result<Proven, ProofRefusal>> {
    if (!proof) return refuse('identity.fresh_proof_required', { detail: 'The call needs a proof by the card.' });
    const nonce = await this.use(proof.challengeId, act);
    if (!nonce.ok) return nonce;
    const all = await this.parts.kept.of(personId);
    const kept = onlyRef === undefined ? all : all.filter(({ certificateRef }) => certificateRef === onlyRef);
    if (kept.length === 0) {
      if ((await this.parts.survivors.of([personId])).get(personId)?.erasureId) return refuse('identity.erased');
      return refuse('identity.fresh_proof_required', { detail: 'No card of this person has signed in here yet.' });
    }
    // A person has a card, a phone and perhaps older ones: a verification takes some 30 µs.
    const signer = kept.find((each) => hasSigned(each, nonce.value, proof.signature));
    if (!signer) return refuse('identity.signature_invalid');
    const good = await this.isGood(signer, personId);
    if (!good.ok) return good;
    await this.parts.kept.signedAgain(personId, signer.certificateRef, this.parts.clock.now());
    return good;
  }

  /** On a person's own device the session is enough; at a shared terminal somebody else may stand there by now. */
  async atTerminal(
    proof: SignedProof | undefined,
    { subject, terminalId }: { readonly subject: string; readonly terminalId?: string | undefined },
    act: Act,
  ): Promise<Result<Proven | undefined, ProofRefusal>> {
    return terminalId === undefined ? ok(undefined) : this.signed(proof, subject, act);
  }

  /**
   * The card lies in a terminal that vouches for it, and signed here itself not long ago. Without that terminal a certificate read
   * without a PIN is public data, so only callers with the role kiosk, and services on their word, may ask.
   */
  async held(proof: HeldProof | undefined, act: Act): Promise<Result<Proven, ProofRefusal>> {
    if (!proof) return refuse('identity.fresh_proof_required', { detail: 'The call needs the card.' });
    const used = await this.use(proof.challengeId, act);
    if (!used.ok) return used;
    const certificateRef = this.parts.vault.certificateRef(proof.certificateHash);
    const { personId, erasureId } = (await this.holderOf(certificateRef)) ?? {};
    if (erasureId) return refuse('identity.erased');
    const kept =
      personId && (await this.parts.kept.of(personId)).find((each) => each.certificateRef === certificateRef);
    const since = this.parts.clock.now() - this.parts.heldDays * dayMs;
    if (!personId || !kept || kept.signedAt.getTime() < since) {
      return refuse('identity.fresh_proof_required', { detail: 'The card has to sign with its PIN first.' });
    }
    return this.isGood(kept, personId);
  }

  private async use(challengeId: string, act: Act) {
    return isId(challengeId)
      ? this.parts.challenges.useFor(challengeId, act)
      : refuse('identity.challenge_expired' as const);
  }

  /** Chain and policy were checked when the certificate was kept; what may have changed since is checked in the order of API.md. */
  private async isGood(kept: KeptCertificate, personId: string): Promise<Result<Proven, ProofRefusal>> {
    const nowMs = this.parts.clock.now();
    const authority = this.parts.authorities.find(
      (each) => each.kind === 'authentication' && each.keyId === kept.authorityKeyId && isValidAt(each, nowMs),
    );
    if (!authority) return refuse('identity.chain_untrusted');
    if (!isValidAt(kept, nowMs)) return refuse('identity.certificate_expired');
    const { answer } = await this.parts.issuer.revocation(kept, authority, 'exchange');
    if (answer === 'revoked') {
      await this.parts.cardChecks.presented(kept.certificateRef, newId(nowMs));
      return refuse('identity.certificate_revoked');
    }
    if (answer !== 'good') return refuse('identity.revocation_unavailable', { retryAfterSeconds: 5 });
    const holder = await this.holderOf(kept.certificateRef);
    if (holder?.erasureId) return refuse('identity.erased');
    if (holder?.personId !== personId) {
      return refuse('identity.fresh_proof_required', { detail: 'The certificate belongs to another person.' });
    }
    return ok({ personId, certificateRef: kept.certificateRef });
  }

  /** Whose the certificate is today: of merged persons the one that was kept. */
  private async holderOf(certificateRef: string): Promise<Person | undefined> {
    const { log, survivors } = this.parts;
    const stream = certificateStream(certificateRef);
    const boundTo = personOf(domainEvents<CertificateBound>(await log.readStreams([stream]), stream));
    return boundTo === undefined ? undefined : survivors.one(boundTo);
  }
}

/** What a terminal read from a card names its certificate by. */
export function certificateHashOf(der: Buffer): string {
  return hash('sha256', der);
}

/** RSASSA-PKCS1-v1_5 with SHA-256 or ECDSA with SHA-384 in DER, as the certificate's profile says; what is no signature at all is none. */
export function hasSigned(
  { publicKey, keyProfile }: Pick<KeptCertificate, 'publicKey' | 'keyProfile'>,
  nonce: Buffer,
  signature: Buffer,
): boolean {
  try {
    return verify(keyProfile === 'rsa' ? 'sha256' : 'sha384', nonce, publicKey, signature);
  } catch {
    return false;
  }
}
