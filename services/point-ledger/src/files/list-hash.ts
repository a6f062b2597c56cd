import { createHash } from 'node:crypto';

/** Begins every hash, so that another way of writing rows can never give the same one. */
const FORM = 'tsunagu list 1\n';

/**
 * SHA-256 of a list's canonical rows: each person with the points, in the order of the ids. The same grants give the same
 * hash in whatever order, format or file they come; the reference does not count, for a second payment often bears new ones.
 * Rows must be handed over in canonical order.
 */
export function contentHasher(): {
  add(row: { readonly personId: string; readonly amountPoints: number }): void;
  digest(): string;
} {
  const hash = createHash('sha256').update(FORM);
  let last = '';
  return {
    add({ personId, amountPoints }) {
      if (personId <= last) throw new Error('rows are hashed in the order of their person ids, each once');
      last = personId;
      hash.update(`${personId},${amountPoints}\n`);
    },
    digest: () => hash.digest('hex'),
  };
}

/** Names the content that may be released once: of one owner, for one measure. */
export function contentKey(ownerId: string, measureId: string, contentHash: string): string {
  return createHash('sha256')
    .update(JSON.stringify([ownerId, measureId, contentHash]))
    .digest('hex');
}
