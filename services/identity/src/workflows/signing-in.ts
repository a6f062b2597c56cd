import { type Clock, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import type { Act, Challenges } from '../outbound/challenges.js';
import type { Issuer } from '../outbound/issuer.js';
import type { Vault } from '../outbound/vault.js';
import { readAttributes } from '../verification/attributes.js';
import type { CardCertificate } from '../verification/card-certificate.js';
import { type CheckRefusal, checkPresented, type Presented } from '../verification/checks.js';
import type { SignatureThreads } from '../verification/signature-threads.js';
import type { TrustedAuthority } from '../verification/trusted-authorities.js';
import type { CardChecks } from './card-checks.js';
import type { FindingPerson, FindingRefusal, Found, LineageSource } from './finding-person.js';
import type { RecordingAttributes } from './recording-attributes.js';
import { wholeLineage } from './whole-lineage.js';

export interface Proof {
  readonly certificate: CardCertificate;
  readonly signature: Buffer;
}

export type SignInRefusal =
  | 'identity.challenge_expired'
  | 'identity.challenge_used'
  | 'identity.fresh_proof_required'
  | 'identity.attributes_of_another'
  | CheckRefusal
  | FindingRefusal;

export interface SigningInParts {
  readonly challenges: Challenges;
  readonly finding: FindingPerson;
  readonly recording: RecordingAttributes;
  readonly vault: Pick<Vault, 'certificateRef'>;
  readonly cardChecks: Pick<CardChecks, 'presented'>;
  readonly issuer: Issuer;
  readonly authorities: readonly TrustedAuthority[];
  readonly signatures: SignatureThreads;
  readonly clock: Clock;
  readonly profile: 'test' | 'production';
}

/** From a signed challenge to a person: challenge, then the certificates, then whose they are. */
export class SigningIn {
  constructor(private readonly parts: SigningInParts) {}

  async signIn(
    challengeId: string,
    card: Proof,
    attributes: Proof | undefined,
    correlationId: string,
    {
      act,
      joiningPersonId,
    }: {
      /** What the challenge was asked for, where it is not for a session of the person's own. */
      readonly act?: Act;
      /** In whose session of the national login the card is presented, to be joined to them. */
      readonly joiningPersonId?: string | undefined;
    } = {},
  ): Promise<Result<Found, SignInRefusal>> {
    const { challenges, finding, recording, vault, cardChecks, issuer, authorities, signatures, clock, profile } =
      this.parts;
    const nonce = await (act ? challenges.useFor(challengeId, act) : challenges.use(challengeId));
    if (!nonce.ok) return nonce;
    const presented: Presented[] = [{ kind: 'authentication', ...card }];
    if (attributes) presented.push({ kind: 'signature', ...attributes });
    const nowMs = clock.now();
    const against = { nonce: nonce.value, nowMs, profile, authorities, signatures, issuer };
    const checked = await checkPresented(presented, against);
    if (!checked.ok) {
      if (checked.refusal.code === 'identity.certificate_revoked') {
        await cardChecks.presented(vault.certificateRef(card.certificate.hash), correlationId);
      }
      return checked;
    }

    const lineage = askedOnce(() => wholeLineage((hash) => issuer.lineage(hash), card.certificate.hash));
    if (attributes) {
      const known = await lineage();
      if (!known) return refuse('identity.lineage_unavailable', { retryAfterSeconds: 5 });
      if (known.signatureCertificate !== attributes.certificate.hash) return refuse('identity.attributes_of_another');
    }
    const read = attributes && readAttributes(attributes.certificate, isoTime(nowMs));
    const joining =
      joiningPersonId === undefined ? undefined : { personId: joiningPersonId, birthDate: read?.birthDate ?? null };
    const found = await finding.find(card.certificate, lineage, correlationId, joining);
    if (!found.ok) return found;
    if (read) await recording.record(found.value.personId, read, correlationId);
    return ok(found.value);
  }
}

function askedOnce(ask: LineageSource): LineageSource {
  let answer: ReturnType<LineageSource> | undefined;
  return () => (answer ??= ask());
}
