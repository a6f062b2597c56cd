import { HASH_BYTES, RightEdge } from '../merkle.js';
import { type Run, TILE_LEVELS } from '../tiles.js';
import { type AuditFinding, span } from './findings.js';

/** Stored leaf hashes behind the present position that are still known: events are looked for that far back. */
const KEPT_BEHIND = 64;

/** The tree as it was stored, gone through once from left to right beside the events. */
export class StoredTree {
  /** Leaf hashes by position, from KEPT_BEHIND before the present one to as far as the export has told. */
  private readonly leaves = new Map<number, Buffer>();
  /** Stored nodes above the leaves whose leaves have not all come yet. */
  private readonly above = new Map<string, Buffer>();
  private readonly edge: RightEdge;
  private told = 0;
  /** The first position whose leaf hash is not stored, once one was missing: from there on the stored tree says nothing. */
  private brokenAt: number | undefined;
  readonly findings: AuditFinding[] = [];

  constructor() {
    this.edge = new RightEdge((level, index, node) => this.compare(level, index, node));
  }

  get size(): number {
    return this.edge.size;
  }

  take({ level, first, hashes }: Run): void {
    const each = (set: (index: number, hash: Buffer) => void) => {
      for (let at = 0; at < hashes.length; at += HASH_BYTES)
        set(first + at / HASH_BYTES, hashes.subarray(at, at + HASH_BYTES));
    };
    if (level === 0) {
      if (first !== this.told && this.brokenAt === undefined) this.breakAt(this.told + 1);
      each((index, hash) => this.leaves.set(index + 1, hash));
      this.told = Math.max(this.told, first + hashes.length / HASH_BYTES);
    } else if (level % TILE_LEVELS === 0) each((index, hash) => this.above.set(`${level}/${index}`, hash));
  }

  leafAt(position: number): Buffer | undefined {
    return this.leaves.get(position);
  }

  /** Grows to hold every leaf up to a position. */
  growTo(position: number): void {
    while (this.edge.size < position && this.brokenAt === undefined) {
      const next = this.edge.size + 1;
      const leaf = this.leaves.get(next);
      if (leaf === undefined) return;
      this.edge.append(leaf);
      this.leaves.delete(next - KEPT_BEHIND);
    }
    // What lies behind is forgotten also where the tree no longer grows.
    if (this.brokenAt !== undefined) this.leaves.delete(position - KEPT_BEHIND);
  }

  /** The root of the first `size` leaves, when it stands just there. */
  rootAt(size: number): Buffer | undefined {
    return this.edge.size === size ? this.edge.root() : undefined;
  }

  private breakAt(position: number): void {
    this.brokenAt = position;
    const detail = `the stored tree has no hash, or two, for position ${position}`;
    this.findings.push({ kind: 'tree', position, to: position, detail });
  }

  /** A stored node above that does not follow from the stored leaves: leaves under it were changed, or the node was. */
  private compare(level: number, index: number, node: Buffer): void {
    if (level === 0 || level % TILE_LEVELS !== 0) return;
    const key = `${level}/${index}`;
    const stored = this.above.get(key);
    this.above.delete(key);
    if (stored?.equals(node)) return;
    const from = index * 2 ** level + 1;
    const to = (index + 1) * 2 ** level;
    const what = stored ? 'does not follow from the stored leaf hashes' : 'is missing';
    const detail = `the stored node over ${span(from, to)} ${what}`;
    this.findings.push({ kind: 'tree', position: from, to, detail });
  }
}
