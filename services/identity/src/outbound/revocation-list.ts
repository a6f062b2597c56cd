import 'reflect-metadata';
import { AsnConvert } from '@peculiar/asn1-schema';
import { IssuingDistributionPoint } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';

export interface RevocationList {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** By serial number, hex without leading zeros. */
  readonly revoked: ReadonlyMap<string, { readonly reason: string; readonly sinceMs: number }>;
}

const aheadMsMax = 5 * 60_000;

/**
 * A revocation list as the issuer of one issuing point signed it. Throws when it is not that: another key, another point (absence from
 * another point's list means nothing), an indirect or partial list, or one from the future.
 */
export async function readRevocationList(
  der: Uint8Array<ArrayBuffer>,
  expected: { issuerKeyDer: Buffer; issuingPoint: string; nowMs: number },
): Promise<RevocationList> {
  const list = new x509.X509Crl(der);
  const { name, hash } = list.signatureAlgorithm as { name?: string; hash: { name?: string } };
  if (name !== 'RSASSA-PKCS1-v1_5' || hash.name !== 'SHA-256')
    throw new Error('a revocation list in an unknown algorithm');
  const publicKey = new x509.PublicKey(new Uint8Array(expected.issuerKeyDer));
  if (!(await list.verify({ publicKey }))) throw new Error('a revocation list with a wrong signature');
  const extension = list.getExtension('2.5.29.28');
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
