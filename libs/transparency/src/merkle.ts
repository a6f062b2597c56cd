import { hash } from 'node:crypto';

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** A full subtree: the leaves from index × 2^level up to, not including, (index + 1) × 2^level. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** RFC 9162 §2.1.1: SHA-256(0x00 ‖ the UTF-8 bytes of the leaf). */
export function leafHash(leaf: string): Buffer {
  return hash('sha256', `\0${leaf}`, 'buffer');
}

/** RFC 9162 §2.1.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return hash('sha256', pair, 'buffer');
}

/** The root of no leaves: SHA-256 of nothing. */
export function emptyRoot(): Buffer {
  return hash('sha256', '', 'buffer');
}

/**
 * The right edge of a tree: at most one full subtree a level, which is all that is needed to append leaves and to give the
 * root. `onNode` is told every full subtree as it is completed, leaves included.
 */
export class RightEdge {
  private readonly edge: (Buffer | undefined)[] = [];
  private leafCount = 0;

  constructor(private readonly onNode: (level: number, index: number, node: Buffer) => void = () => {}) {}

  /** The edge of a tree of `size` leaves whose full subtrees are stored. */
  static async load(
    size: number,
    nodes: NodeReader,
    onNode?: (level: number, index: number, node: Buffer) => void,
  ): Promise<RightEdge> {
    const loaded = new RightEdge(onNode);
    const wanted = subtrees(0, size);
    const hashes = await nodes.read(wanted);
    wanted.forEach(({ level }, i) => {
      loaded.edge[level] = hashes[i];
    });
    loaded.leafCount = size;
    return loaded;
  }

  get size(): number {
    return this.leafCount;
  }

  /** The same edge, growing on its own from here; it tells nobody of its nodes. */
  fork(): RightEdge {
    const copy = new RightEdge();
    copy.edge.push(...this.edge);
    copy.leafCount = this.leafCount;
    return copy;
  }

  append(leaf: Buffer): void {
    let index = this.leafCount;
    let node = leaf;
    let level = 0;
    this.onNode(level, index, node);
    for (let left = this.edge[level]; left; left = this.edge[level]) {
      node = nodeHash(left, node);
      this.edge[level] = undefined;
      level += 1;
      index = Math.floor(index / 2);
      this.onNode(level, index, node);
    }
    this.edge[level] = node;
    this.leafCount += 1;
  }

  root(): Buffer {
    let root: Buffer | undefined;
    for (const node of this.edge) if (node) root = root ? nodeHash(node, root) : node;
    return root ?? emptyRoot();
  }
}

/** Where hashes of full subtrees come from. */
export interface NodeReader {
  /** One hash a node, in order; rejects where one is not stored. */
  read(nodes: readonly TreeNode[]): Promise<readonly Buffer[]>;
}

/**
 * The full subtrees, largest first, that make up the subtree of leaves `from` … `to` − 1 as RFC 9162 splits a tree:
 * `from` is a multiple of the largest power of two that is less than their count.
 */
export function subtrees(from: number, to: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= to) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** The hash over neighbouring subtrees, largest first. */
export function foldSubtrees(hashes: readonly Buffer[]): Buffer {
  const last = hashes.at(-1);
  if (!last) throw new Error('no subtree to fold');
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}
