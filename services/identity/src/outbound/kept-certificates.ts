import { createPublicKey, type KeyObject } from 'node:crypto';
import { isoTime } from '@tsunagu/kernel';
import { stringOfCard } from '../domain/my-key-id.js';
import type { CardCertificate } from '../verification/card-certificate.js';
import type { Vault } from './vault.js';

/** What is needed to check a later signature of a certificate, and whether it was revoked meanwhile. Sealed with the person's key. */
interface KeptFields {
  readonly hash: string;
  readonly serial: string;
  readonly authorityKeyId: string | null;
  readonly issuingPoint: string | null;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** The MyKey ID that the card brings along; null for a phone or an odd name. */
  readonly cardString: string | null;
}

export interface KeptCertificate extends KeptFields {
  readonly certificateRef: string;
  readonly publicKey: KeyObject;
  /** When it last signed here, by the platform's clock. */
  readonly signedAt: Date;
}

const kindPrefix = 'certificate:';

/**
 * The certificates that a person has signed with, so that a proof needs no certificate (API.md: `{ challengeId, signature }`).
 * Raw certificates are not kept (DOMAIN §3): of each only the public key, the serial, its issuer's key and place of revocation, and
 * how long it is valid. Chain, policy and profile were checked when it signed in.
 */
export class KeptCertificates {
  constructor(private readonly vault: Vault) {}

  /** After a checked signature. A certificate never changes, so what is kept already only gets its newest time. */
  async keep(personId: string, certificate: CardCertificate, nowMs: number): Promise<void> {
    const kind = kindPrefix + this.vault.certificateRef(certificate.hash);
    const at = isoTime(nowMs);
    if (await this.vault.touchSealed(personId, kind, at)) return;
    const fields: KeptFields & { spki: string } = {
      hash: certificate.hash,
      serial: certificate.serial,
      authorityKeyId: certificate.authorityKeyId,
      issuingPoint: certificate.issuingPoint,
      validFromMs: certificate.validFromMs,
      validToMs: certificate.validToMs,
      cardString: stringOfCard(certificate.commonName) ?? null,
      spki: certificate.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    };
    await this.vault.keepSealed(personId, kind, fields, at);
  }

  /** Newest signature first. */
  async of(personId: string): Promise<readonly KeptCertificate[]> {
    const kept = await this.vault.openSealedOf<KeptFields & { spki: string }>(personId, kindPrefix);
    return kept.map(({ kind, value: { spki, ...fields }, at }) => ({
      ...fields,
      certificateRef: kind.slice(kindPrefix.length),
      publicKey: createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }),
      signedAt: at,
    }));
  }

  async signedAgain(personId: string, certificateRef: string, nowMs: number): Promise<void> {
    await this.vault.touchSealed(personId, kindPrefix + certificateRef, isoTime(nowMs));
  }
}
