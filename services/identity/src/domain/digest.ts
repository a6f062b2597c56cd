/** Stream `attributesDigest-<digest>`: who is known with one name, birth date and sex, in the order in which that became known. */
export interface DigestShared {
  readonly type: 'DigestShared';
  readonly data: { readonly personId: string; readonly digest: string };
}

export function digestStream(digest: string): string {
  return `attributesDigest-${digest}`;
}

export function personsWith(events: readonly DigestShared[]): readonly string[] {
  return events.map(({ data }) => data.personId);
}
