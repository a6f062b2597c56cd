import fc from 'fast-check';
import { emptyRoot, leafHash, type NodeReader, nodeHash, RightEdge, subtrees } from './merkle.js';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './proof.js';

/** The leaves of Certificate Transparency's own test data, and the roots of the trees of the first 1 … 8 of them. */
const vectorLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const vectorRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** MTH as the RFC defines it, word for word. */
function mth(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (!only) return emptyRoot();
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

function grow(count: number) {
  const nodes = new Map<string, Buffer>();
  const edge = new RightEdge((level, index, node) => void nodes.set(`${level}/${index}`, node));
  const leaves = Array.from({ length: count }, (_, i) => leafHash(`leaf ${i}`));
  const roots = [edge.root()];
  for (const leaf of leaves) {
    edge.append(leaf);
    roots.push(edge.root());
  }
  const reader: NodeReader = {
    read: async (wanted) =>
      wanted.map(({ level, index }) => {
        const node = nodes.get(`${level}/${index}`);
        if (!node) throw new Error(`no node ${level}/${index}`);
        return node;
      }),
  };
  return { leaves, roots, reader };
}

test('the roots of the test vectors', () => {
  const edge = new RightEdge();
  expect(edge.root().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  vectorLeaves.forEach((leaf, i) => {
    edge.append(leafHash(Buffer.from(leaf, 'hex').toString('latin1')));
    expect(edge.root().toString('hex')).toBe(vectorRoots[i]);
  });
});

const most = 300;
const tree = grow(most);
const rootAt = (size: number) => tree.roots[size] ?? emptyRoot();
const leafAt = (index: number) => tree.leaves[index] ?? emptyRoot();
const flipped = (hash: Buffer, bit: number) => {
  const copy = Buffer.from(hash);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

test('every root is the RFC definition, and its subtrees fold to it', () => {
  for (let size = 0; size <= most; size += 1) expect(rootAt(size)).toEqual(mth(tree.leaves.slice(0, size)));
  expect(subtrees(0, 7)).toEqual([
    { level: 2, index: 0 },
    { level: 1, index: 2 },
    { level: 0, index: 6 },
  ]);
});

test('an edge loaded from stored nodes goes on as if it had never stopped', async () => {
  for (const size of [0, 1, 2, 3, 127, 128, 255, 256, 257, 299]) {
    const loaded = await RightEdge.load(size, tree.reader);
    expect(loaded.root()).toEqual(rootAt(size));
    for (const leaf of tree.leaves.slice(size)) loaded.append(leaf);
    expect(loaded.root()).toEqual(rootAt(most));
  }
});

test('every leaf of every tree up to 70, and of some larger ones, is proved to be in it', async () => {
  const sizes = [...Array.from({ length: 70 }, (_, i) => i + 1), 128, 129, 255, 256, 257, most];
  for (const size of sizes) {
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(tree.reader, index, size);
      const claim = { index, size, leafHash: leafAt(index), root: rootAt(size), proof };
      expect(verifyInclusion(claim)).toBe(true);
    }
  }
});

test('every tree up to 70 is proved to be the beginning of every later one', async () => {
  for (let second = 0; second <= 70; second += 1) {
    for (let first = 0; first <= second; first += 1) {
      const proof = await consistencyProof(tree.reader, first, second);
      const claim = { first, firstRoot: rootAt(first), second, secondRoot: rootAt(second), proof };
      expect(verifyConsistency(claim)).toBe(true);
    }
  }
});

test('a proof of inclusion with anything changed is refused', async () => {
  const place = fc.integer({ min: 1, max: most }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));
  await fc.assert(
    fc.asyncProperty(place, fc.nat(255), fc.nat(20), async ([size, index], bit, at) => {
      const proof = await inclusionProof(tree.reader, index, size);
      const claim = { index, size, leafHash: leafAt(index), root: rootAt(size), proof };
      expect(verifyInclusion(claim)).toBe(true);
      expect(verifyInclusion({ ...claim, leafHash: flipped(claim.leafHash, bit) })).toBe(false);
      expect(verifyInclusion({ ...claim, root: flipped(claim.root, bit) })).toBe(false);
      expect(verifyInclusion({ ...claim, proof: [...proof, leafAt(at)] })).toBe(false);
      expect(verifyInclusion({ ...claim, size: index })).toBe(false);
      if (size > 1) expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(false);
      if (proof.length === 0) return;
      const turned = proof.map((hash, i) => (i === at % proof.length ? flipped(hash, bit) : hash));
      expect(verifyInclusion({ ...claim, proof: turned })).toBe(false);
      expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
    }),
  );
});

test('a proof of consistency with anything changed is refused', async () => {
  const sizes = fc
    .integer({ min: 2, max: most })
    .chain((second) => fc.tuple(fc.integer({ min: 1, max: second - 1 }), fc.constant(second)));
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(255), fc.nat(20), async ([first, second], bit, at) => {
      const proof = await consistencyProof(tree.reader, first, second);
      const claim = { first, firstRoot: rootAt(first), second, secondRoot: rootAt(second), proof };
      expect(verifyConsistency(claim)).toBe(true);
      expect(verifyConsistency({ ...claim, firstRoot: flipped(claim.firstRoot, bit) })).toBe(false);
      expect(verifyConsistency({ ...claim, secondRoot: flipped(claim.secondRoot, bit) })).toBe(false);
      expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
      expect(verifyConsistency({ ...claim, proof: [...proof, leafAt(at)] })).toBe(false);
      expect(verifyConsistency({ ...claim, first: second, second: first })).toBe(false);
      const turned = proof.map((hash, i) => (i === at % proof.length ? flipped(hash, bit) : hash));
      expect(verifyConsistency({ ...claim, proof: turned })).toBe(false);
    }),
  );
});

test('nothing and the same tree need no proof and take none', async () => {
  const root = rootAt(5);
  const same = { first: 5, firstRoot: root, second: 5, secondRoot: root, proof: [] };
  expect(verifyConsistency(same)).toBe(true);
  expect(verifyConsistency({ ...same, secondRoot: rootAt(6) })).toBe(false);
  expect(verifyConsistency({ ...same, proof: [root] })).toBe(false);
  expect(verifyConsistency({ ...same, first: 0, firstRoot: emptyRoot(), proof: [root] })).toBe(false);
  for (const size of [-1, 0.5, Number.NaN]) {
    expect(verifyInclusion({ index: 0, size, leafHash: root, root, proof: [] })).toBe(false);
    await expect(inclusionProof(tree.reader, 0, size)).rejects.toThrow('no leaf');
    await expect(consistencyProof(tree.reader, 1, size)).rejects.toThrow('holds no tree');
  }
});
