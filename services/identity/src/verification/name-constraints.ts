import type { CardCertificate } from './card-certificate.js';
import { DerCursor, DerError, tags } from './der.js';
import { partsOfName } from './names.js';

/** RFC 5280 §4.2.1.10, as far as card certificates have names: the subject, and the kinds of their alternative names. */
export interface NameConstraints {
  /** DER of relative names from the top; null: no directory name is named, so every one is permitted. */
  readonly permitted: readonly (readonly Buffer[])[] | null;
  readonly excluded: readonly (readonly Buffer[])[];
  /** Kinds of name that it constrains in another way: a certificate with such a name is refused, which no card has. */
  readonly otherTags: ReadonlySet<number>;
}

const directoryName = 0xa4;
const subtreesTags = { permitted: 0xa0, excluded: 0xa1 } as const;

/** Undefined for what is malformed. */
export function readNameConstraints(der: Buffer): NameConstraints | undefined {
  try {
    const constraints = DerCursor.whole(der, tags.sequence);
    const permitted = readSubtrees(constraints.enterIf(subtreesTags.permitted));
    const excluded = readSubtrees(constraints.enterIf(subtreesTags.excluded));
    constraints.finish();
    return {
      permitted: permitted.names.length > 0 ? permitted.names : null,
      excluded: excluded.names,
      otherTags: new Set([...permitted.otherTags, ...excluded.otherTags]),
    };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

export function satisfies(certificate: CardCertificate, constraints: NameConstraints): boolean {
  const { raw } = certificate.subject;
  const parts = partsOfName(new DerCursor(raw, 0, raw.length));
  const lies = (tree: readonly Buffer[]) => tree.every((part, index) => parts[index]?.equals(part) ?? false);
  const { permitted, excluded, otherTags } = constraints;
  if (excluded.some(lies) || (permitted && !permitted.some(lies))) return false;
  return ![...certificate.alternativeNameTags].some((tag) => tag === directoryName || otherTags.has(tag));
}

function readSubtrees(subtrees: DerCursor | undefined): { names: Buffer[][]; otherTags: number[] } {
  const names: Buffer[][] = [];
  const otherTags: number[] = [];
  while (subtrees && !subtrees.isAtEnd) {
    const subtree = subtrees.enter(tags.sequence);
    const base = subtree.take();
    // Minimum is always 0 and left out, maximum never there.
    subtree.finish();
    if (base.tag !== directoryName) otherTags.push(base.tag);
    else names.push([...partsOfName(subtree.inside(base))]);
  }
  return { names, otherTags };
}
