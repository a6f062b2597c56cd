import { type JapanDay, parseBirthDate } from '@tsunagu/kernel';
import type { AttributeName, AttributeSource } from '../domain/person.js';
import { residenceCode, tableDate } from '../domain/residence.js';
import type { CardCertificate } from './card-certificate.js';

/** What a signature certificate or the national login tells of a person. Lies in the vault and nowhere else. */
export interface Attributes {
  /** A signature certificate where absent: the only source that there was at first. */
  readonly source?: AttributeSource;
  readonly name: string | null;
  readonly birthDate: JapanDay | null;
  readonly sex: string | null;
  readonly address: string | null;
  readonly residenceCode: string | null;
  /** Date of the table that gave the code. */
  readonly residenceTable: string;
  /** ISO 8601. */
  readonly readAt: string;
  /** When the certificate was issued, or the login read: the attributes hold since then at the latest. */
  readonly issuedAt: string;
}

/** otherName types of the JPKI profile. */
const types = {
  name: '1.2.392.200149.8.5.5.1',
  sex: '1.2.392.200149.8.5.5.3',
  birthDate: '1.2.392.200149.8.5.5.4',
  address: '1.2.392.200149.8.5.5.5',
} as const;

/** Reads the four attributes; what is absent or not in a known form is null, which rules answer with `unknown`. */
export function readAttributes(certificate: CardCertificate, readAt: string): Attributes {
  const text = (name: AttributeName) => certificate.otherNames.get(types[name])?.trim() || null;
  const address = text('address');
  return {
    source: 'signatureCertificate',
    name: text('name'),
    birthDate: parseBirthDate(text('birthDate') ?? '') ?? null,
    sex: text('sex'),
    address,
    residenceCode: address === null ? null : residenceCode(address),
    residenceTable: tableDate,
    readAt,
    issuedAt: new Date(certificate.validFromMs).toISOString(),
  };
}

export function namesRead(attributes: Attributes): readonly AttributeName[] {
  return (['name', 'birthDate', 'sex', 'address'] as const).filter((name) => attributes[name] !== null);
}
