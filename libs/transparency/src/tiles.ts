import { HASH_BYTES, nodeHash, type TreeNode } from './merkle.js';

/** Levels between two stored ones, as in C2SP tlog-tiles: a tile is 2^8 neighbouring hashes of a stored level. */
export const TILE_LEVELS = 8;
export const TILE_WIDTH = 2 ** TILE_LEVELS;

/** Neighbouring hashes of one stored level, within one tile. */
export interface Run {
  readonly level: number;
  /** The index of the first hash on its level. */
  readonly first: number;
  readonly hashes: Buffer;
}

export interface Tile {
  /** A stored level: a multiple of 8. */
  readonly level: number;
  readonly index: number;
}

/** The tile from which a node is worked out. */
export function tileOf({ level, index }: TreeNode): Tile {
  const above = level % TILE_LEVELS;
  return { level: level - above, index: Math.floor((index * 2 ** above) / TILE_WIDTH) };
}

/** A node's hash from the hashes of its tile, as far as there are any; undefined where one that it covers is not there. */
export function nodeInTile({ level, index }: TreeNode, hashes: Buffer): Buffer | undefined {
  const width = 2 ** (level % TILE_LEVELS);
  const first = (index * width) % TILE_WIDTH;
  const end = (first + width) * HASH_BYTES;
  return hashes.length < end ? undefined : subtreeHash(hashes.subarray(first * HASH_BYTES, end));
}

/** The hash over a power of two of neighbouring hashes. */
export function subtreeHash(hashes: Buffer): Buffer {
  if (hashes.length === HASH_BYTES) return Buffer.from(hashes);
  const middle = hashes.length / 2;
  return nodeHash(subtreeHash(hashes.subarray(0, middle)), subtreeHash(hashes.subarray(middle)));
}

/** Gathers the nodes that a growing tree completes into the runs to be stored. */
export class RunGatherer {
  private readonly runs: { level: number; first: number; hashes: Buffer[] }[] = [];
  private readonly open = new Map<number, { first: number; hashes: Buffer[] }>();

  readonly add = (level: number, index: number, node: Buffer): void => {
    if (level % TILE_LEVELS !== 0) return;
    let run = this.open.get(level);
    if (!run || index % TILE_WIDTH === 0) {
      const begun = { level, first: index, hashes: [] };
      this.runs.push(begun);
      this.open.set(level, begun);
      run = begun;
    }
    run.hashes.push(node);
  };

  /** What was gathered since the last call. */
  take(): readonly Run[] {
    const taken = this.runs
      .splice(0)
      .map(({ level, first, hashes }) => ({ level, first, hashes: Buffer.concat(hashes) }));
    this.open.clear();
    return taken;
  }
}
