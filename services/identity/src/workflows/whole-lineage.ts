import type { Lineage } from '../outbound/issuer.js';

/**
 * Link data of a certificate with what came before the certificates beside it: a phone that is seen before its renewed card belongs
 * to whoever held the card before that. Undefined when the source does not answer on one of them.
 */
export async function wholeLineage(
  ask: (certificateHash: string) => Promise<Lineage | undefined>,
  certificateHash: string,
): Promise<Lineage | undefined> {
  const own = await ask(certificateHash);
  if (!own?.siblings || own.siblings.length === 0) return own;
  const beside = await Promise.all(own.siblings.map((sibling) => ask(sibling)));
  const before: string[] = [...own.predecessors];
  for (const lineage of beside) {
    if (!lineage) return undefined;
    before.push(...lineage.predecessors);
  }
  return { ...own, predecessors: before };
}
