/** An event with the time at which it counts (ISO 8601 UTC); the shell adds ids and who did it. */
export type At<E> = E & { readonly effectiveAt: string };

export function earlier(a: string, b: string): boolean {
  return Date.parse(a) < Date.parse(b);
}
