import { foldSubtrees, type NodeReader, nodeHash, subtrees } from './merkle.js';

/** Leaves `from` … `to` − 1. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** RFC 9162 §2.1.3.1: the hashes that lead from leaf `index` to the root of the first `size` leaves. */
export async function inclusionProof(nodes: NodeReader, index: number, size: number): Promise<Buffer[]> {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  return hashesOf(nodes, pathRanges(index, { from: 0, to: size }));
}

/** RFC 9162 §2.1.4.1: the hashes that show that the first `first` leaves of a tree of `second` are a tree of `first`. */
export async function consistencyProof(nodes: NodeReader, first: number, second: number): Promise<Buffer[]> {
  if (!isCount(first) || !isCount(second) || first > second) {
    throw new RangeError(`a tree of ${second} holds no tree of ${first}`);
  }
  if (first === 0 || first === second) return [];
  return hashesOf(nodes, subproofRanges(first, { from: 0, to: second }, true));
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Buffer;
  readonly root: Buffer;
  readonly proof: readonly Buffer[];
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion({ index, size, leafHash, root, proof }: InclusionClaim): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let r = leafHash;
  for (const p of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      r = nodeHash(r, p);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && r.equals(root);
}

export interface ConsistencyClaim {
  readonly first: number;
  readonly firstRoot: Buffer;
  readonly second: number;
  readonly secondRoot: Buffer;
  readonly proof: readonly Buffer[];
}

/** RFC 9162 §2.1.4.2. A tree of nothing is the beginning of every tree and needs no proof. */
export function verifyConsistency({ first, firstRoot, second, secondRoot, proof }: ConsistencyClaim): boolean {
  if (!isCount(first) || !isCount(second) || first > second) return false;
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0) return proof.length === 0;
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof] : [...proof];
  let fn = first - 1;
  let sn = second - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  const [start, ...rest] = path;
  if (!start) return false;
  let fr = start;
  let sr = start;
  for (const c of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = nodeHash(sr, c);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && fr.equals(firstRoot) && sr.equals(secondRoot);
}

/** PATH of the RFC: `index` counts from the start of the range. */
function pathRanges(index: number, { from, to }: Range): Range[] {
  if (to - from === 1) return [];
  const middle = from + splitOf(to - from);
  return from + index < middle
    ? [...pathRanges(index, { from, to: middle }), { from: middle, to }]
    : [...pathRanges(from + index - middle, { from: middle, to }), { from, to: middle }];
}

/** SUBPROOF of the RFC. `known`: the asker has the root of the first `first` leaves of the range. */
function subproofRanges(first: number, { from, to }: Range, known: boolean): Range[] {
  if (first === to - from) return known ? [] : [{ from, to }];
  const width = splitOf(to - from);
  const middle = from + width;
  return first <= width
    ? [...subproofRanges(first, { from, to: middle }, known), { from: middle, to }]
    : [...subproofRanges(first - width, { from: middle, to }, false), { from, to: middle }];
}

/** All nodes of a proof in one read. */
async function hashesOf(nodes: NodeReader, ranges: readonly Range[]): Promise<Buffer[]> {
  const parts = ranges.map(({ from, to }) => subtrees(from, to));
  const hashes = await nodes.read(parts.flat());
  let at = 0;
  return parts.map(({ length }) => {
    at += length;
    return foldSubtrees(hashes.slice(at - length, at));
  });
}

/** The largest power of two that is less than `count`. */
function splitOf(count: number): number {
  let width = 1;
  while (width * 2 < count) width *= 2;
  return width;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

/** Sizes may pass 2^31, so no shifts. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  let power = 1;
  while (power < value) power *= 2;
  return power === value;
}
