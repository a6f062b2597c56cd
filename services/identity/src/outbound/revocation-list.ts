import 'reflect-metadata';
import type { KeyObject } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { CertificateList, IssuingDistributionPoint } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { isSignedBy } from './signature-algorithms.js';

export interface RevocationList {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** By serial number, hex without leading zeros. */
  readonly revoked: ReadonlyMap<string, { readonly reason: string; readonly sinceMs: number }>;
}

const aheadMsMax = 5 * 60_000;
const issuingDistributionPoint = '2.5.29.28';

/**
 * A revocation list as the issuer of one issuing point signed it (RFC 5280 §5). Throws when it is not that: another key, another point
 * (absence from another point's list means nothing), an indirect or partial list, or one from the future.
 */
export function readRevocationList(
  der: Uint8Array<ArrayBuffer>,
  expected: { issuerKey: KeyObject; issuingPoint: string; nowMs: number },
): RevocationList {
  const asn = AsnConvert.parse(der, CertificateList);
  const { tbsCertList, tbsCertListRaw, signatureAlgorithm, signature } = asn;
  const signed = tbsCertListRaw && new Uint8Array(tbsCertListRaw);
  if (
    tbsCertList.signature.algorithm !== signatureAlgorithm.algorithm ||
    !isSignedBy(expected.issuerKey, signatureAlgorithm.algorithm, signed, new Uint8Array(signature))
  ) {
    throw new Error('a revocation list with a wrong signature');
  }
  const list = new x509.X509Crl(asn);
  if (list.extensions.some(({ critical, type }) => critical && type !== issuingDistributionPoint)) {
    throw new Error('a revocation list with an unknown critical extension');
  }
  const extension = list.getExtension(issuingDistributionPoint);
  const point = extension ? AsnConvert.parse(extension.value, IssuingDistributionPoint) : undefined;
  const uri = point?.distributionPoint?.fullName?.[0]?.uniformResourceIdentifier;
  if (uri !== expected.issuingPoint || point?.indirectCRL || point?.onlySomeReasons || point?.onlyContainsCACerts) {
    throw new Error('a revocation list of another issuing point');
  }
  if (list.thisUpdate.getTime() > expected.nowMs + aheadMsMax) throw new Error('a revocation list from the future');
  const revoked = list.entries.map(
    ({ serialNumber, reason, revocationDate }) =>
      [
        serialNumber.toLowerCase().replace(/^0+/, ''),
        { reason: x509.X509CrlReason[reason ?? 0] ?? 'unspecified', sinceMs: revocationDate.getTime() },
      ] as const,
  );
  return {
    thisUpdateMs: list.thisUpdate.getTime(),
    nextUpdateMs: (list.nextUpdate ?? list.thisUpdate).getTime(),
    revoked: new Map(revoked),
  };
}
