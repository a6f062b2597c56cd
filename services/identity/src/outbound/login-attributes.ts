import { holdsMyNumber, parseBirthDate } from '@tsunagu/kernel';
import { residenceCode, tableDate } from '../domain/residence.js';
import type { Attributes } from '../verification/attributes.js';

/** Longer than any name or address of the register. */
const textMax = 500;
/** As the card writes it (JPKI: 1 male, 2 female, 3 other); the login may use OpenID's words. */
const sexes: ReadonlyMap<string, string> = new Map([
  ...['1', '2', '3'].map((code) => [code, code] as const),
  ['male', '1'],
  ['female', '2'],
]);

/**
 * The attributes among the claims of the national login (OpenID Connect Core §5.1). What is absent, or not in a known form, is
 * null, which rules answer with `unknown`: a person may withhold a claim.
 */
export function attributesOfLogin(claims: Readonly<Record<string, unknown>>, readAt: string): Attributes {
  const { address: given } = claims;
  const address = textOf(
    typeof given === 'object' && given !== null ? (given as { formatted?: unknown }).formatted : given,
  );
  return {
    source: 'nationalLogin',
    name: textOf(claims.name),
    birthDate: parseBirthDate(textOf(claims.birthdate) ?? '') ?? null,
    sex: sexes.get(textOf(claims.gender) ?? '') ?? null,
    address,
    residenceCode: address === null ? null : residenceCode(address),
    residenceTable: tableDate,
    readAt,
    issuedAt: readAt,
  };
}

function textOf(claim: unknown): string | null {
  if (typeof claim !== 'string' || claim.length > textMax || holdsMyNumber(claim)) return null;
  return claim.trim() || null;
}
