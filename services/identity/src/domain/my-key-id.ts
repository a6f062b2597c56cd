/** Stream `myKeyId-<ref>`: one MyKey ID, by keyed hash, belongs to one person. */
export interface MyKeyIdReserved {
  readonly type: 'MyKeyIdReserved';
  readonly data: { readonly personId: string; readonly myKeyIdRef: string };
}

const length = 14;

export function myKeyIdStream(myKeyIdRef: string): string {
  return `myKeyId-${myKeyIdRef}`;
}

export function holderOf(events: readonly MyKeyIdReserved[]): string | undefined {
  return events[0]?.data.personId;
}

/**
 * The string that a card brings along: the first 14 characters of the certificate's CN (DOMAIN §1). Undefined for a CN that
 * is not of that form; the person is registered without one.
 */
export function stringOfCard(commonName: string): string | undefined {
  const own = commonName.slice(0, length);
  return /^[A-Z0-9]{14}$/.test(own) ? own : undefined;
}
