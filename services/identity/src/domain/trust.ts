import type { DataOf } from '@tsunagu/contracts';

/** On stream `person-<personId>`. */
export type TrustEvent =
  | {
      readonly type: 'CertificateRevoked';
      readonly data: {
        readonly personId: string;
        /** By keyed hash. */
        readonly certificateRef: string;
        /** As the issuer names it, RFC 5280 §5.3.1. It stays here: what is learnt of revocations serves our own checks only. */
        readonly reason: string;
        readonly revokedAt: string;
      };
    }
  | { readonly type: 'IdentityRevoked'; readonly data: DataOf<'IdentityRevoked'> }
  | { readonly type: 'IdentityRestored'; readonly data: DataOf<'IdentityRestored'> };

/** What a person's stream says of it. */
export interface Trusted {
  readonly personId: string;
  readonly revokedCertificates: readonly { readonly certificateRef: string; readonly reason: string }[];
  /** Certificates that another one of theirs took over from, or stands beside. */
  readonly succeededRefs: readonly string[];
  /** `change` counts how often it was found otherwise than before. */
  readonly revocation: { readonly change: number; readonly revoked: boolean };
}

/**
 * A certificate that a person has signed with here, by what its issuer says now: `over` where it expired or was found revoked before,
 * `unsure` where the issuer says nothing that counts.
 */
export type CertificateLook = { readonly certificateRef: string } & (
  | { readonly answer: 'good' | 'over' | 'unsure' }
  | { readonly answer: 'revoked'; readonly reason: string; readonly revokedAt: string }
);

/**
 * Reasons after which a certificate proves nobody any more and none follows by itself: the key is somebody else's, or the person is not
 * entitled, has died or moved abroad. Not `superseded` (another one took over), `affiliationChanged` (the attributes changed),
 * `certificateHold` (lost, perhaps found), nor `unspecified`, which says nothing (DOMAIN §3).
 */
const trustEnders: ReadonlySet<string> = new Set([
  'keyCompromise',
  'cACompromise',
  'aACompromise',
  'privilegeWithdrawn',
  'cessationOfOperation',
]);

export function endsTrust(reason: string): boolean {
  return trustEnders.has(reason);
}

export function evolveTrust<T extends Trusted>(person: T, event: TrustEvent): T {
  if (event.type === 'CertificateRevoked') {
    const { certificateRef, reason } = event.data;
    return { ...person, revokedCertificates: [...person.revokedCertificates, { certificateRef, reason }] };
  }
  return { ...person, revocation: { change: event.data.change, revoked: event.type === 'IdentityRevoked' } };
}

/**
 * What a look at a person's certificates records. Revoked is who has none that is good and one that lost its trust; not who can sign in
 * with a national login, nor who has one that was superseded and whose successor has not come here yet. While the issuer says nothing of
 * one that may be good, what was found before stays.
 */
export function decideTrust(
  person: Trusted,
  looks: readonly CertificateLook[],
  hasLogin: boolean,
): readonly TrustEvent[] {
  const { personId } = person;
  const found = looks.flatMap((look) => {
    const isKnown = person.revokedCertificates.some(({ certificateRef }) => certificateRef === look.certificateRef);
    return look.answer === 'revoked' && !isKnown ? [look] : [];
  });
  const events = found.map(({ certificateRef, reason, revokedAt }): TrustEvent => {
    return { type: 'CertificateRevoked', data: { personId, certificateRef, reason, revokedAt } };
  });
  const after = events.reduce(evolveTrust, person);
  const revoked = isRevoked(after, looks, hasLogin) ?? after.revocation.revoked;
  return [...events, ...decideChange(after, revoked)];
}

/** Signing in with what is good proves the person again. */
export function decideRestored(person: Pick<Trusted, 'personId' | 'revocation'>): readonly TrustEvent[] {
  return decideChange(person, false);
}

function decideChange(
  { personId, revocation }: Pick<Trusted, 'personId' | 'revocation'>,
  revoked: boolean,
): readonly TrustEvent[] {
  if (revocation.revoked === revoked) return [];
  const type = revoked ? 'IdentityRevoked' : 'IdentityRestored';
  return [{ type, data: { personId, change: revocation.change + 1 } }];
}

/** Undefined where it cannot be told now. */
function isRevoked(
  { revokedCertificates, succeededRefs }: Trusted,
  looks: readonly CertificateLook[],
  hasLogin: boolean,
): boolean | undefined {
  if (hasLogin || looks.some(({ answer }) => answer === 'good')) return false;
  if (looks.some(({ answer }) => answer === 'unsure')) return undefined;
  const awaitsSuccessor = revokedCertificates.some(
    ({ certificateRef, reason }) => reason === 'superseded' && !succeededRefs.includes(certificateRef),
  );
  return !awaitsSuccessor && revokedCertificates.some(({ reason }) => endsTrust(reason));
}

/** How far the trust of a person goes who has just been registered. */
export const initialTrust = {
  revokedCertificates: [],
  succeededRefs: [],
  revocation: { change: 0, revoked: false },
} as const satisfies Omit<Trusted, 'personId'>;
