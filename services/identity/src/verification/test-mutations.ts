import { headerOctets, tlv } from './test-certificates.js';

/** Numbers that look random and are the same for a seed: mulberry32 (public domain). */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** 0 ≤ result < below. */
  roll(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.roll(choices.length)] as T;
  }
}

interface Node {
  tag: number;
  /** Of what is constructed; else the content. */
  inside: Node[] | Buffer;
}

type Change = (dice: Dice, der: Buffer, others: readonly Buffer[]) => Buffer;

/** Changes octets and leaves lengths wrong. */
const onOctets: readonly Change[] = [
  // Bits turned.
  (dice, der) => {
    const changed = Buffer.from(der);
    for (let left = 1 + dice.roll(4); left > 0; left -= 1) {
      const at = dice.roll(changed.length);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << dice.roll(8)), at);
    }
    return changed;
  },
  // An octet that matters in DER.
  (dice, der) => {
    const changed = Buffer.from(der);
    changed.writeUInt8(
      dice.one([0, 1, 2, 3, 0x1f, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xff]),
      dice.roll(der.length),
    );
    return changed;
  },
  // Cut.
  (dice, der) => der.subarray(0, dice.roll(der.length)),
  // A piece taken out.
  (dice, der) => {
    const at = dice.roll(der.length);
    return Buffer.concat([der.subarray(0, at), der.subarray(at + 1 + dice.roll(8))]);
  },
  // A piece put in.
  (dice, der) => {
    const at = dice.roll(der.length + 1);
    const piece = Buffer.from(Array.from({ length: 1 + dice.roll(8) }, () => dice.roll(256)));
    return Buffer.concat([der.subarray(0, at), piece, der.subarray(at)]);
  },
  // The head of one, the tail of another.
  (dice, der, others) => {
    const other = dice.one(others);
    const at = dice.roll(Math.min(der.length, other.length));
    return Buffer.concat([der.subarray(0, at), other.subarray(at)]);
  },
];

/** Changes elements, and writes every length anew. */
const onElements: readonly ((dice: Dice, node: Node, siblings: Node[], at: number, other: Node) => void)[] = [
  (_dice, _node, siblings, at) => void siblings.splice(at, 1),
  (_dice, node, siblings, at) => void siblings.splice(at, 0, node),
  (dice, node, siblings, at) => {
    const to = dice.roll(siblings.length);
    siblings[at] = siblings[to] ?? node;
    siblings[to] = node;
  },
  (dice, node) => {
    node.tag = dice.one([1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0x82, 0xa0, 0xa3, dice.roll(256)]);
  },
  (dice, node) => {
    if (node.inside instanceof Buffer)
      node.inside = Buffer.from(Array.from({ length: dice.roll(24) }, () => dice.roll(256)));
    else node.inside = [];
  },
  (dice, node) => {
    if (!Array.isArray(node.inside)) node.inside = Buffer.concat([Buffer.alloc(1 + dice.roll(2)), node.inside]);
    else node.inside.push({ tag: 5, inside: Buffer.of() });
  },
  (_dice, _node, siblings, at, other) => {
    siblings[at] = other;
  },
  (_dice, node, siblings, at) => {
    siblings[at] = { tag: 0x30, inside: [node] };
  },
];

/** Another certificate, or no certificate, made from `der`; never the same octets. */
export function mutated(dice: Dice, der: Buffer, others: readonly Buffer[]): Buffer {
  for (;;) {
    const changed = dice.roll(2) === 0 ? dice.one(onOctets)(dice, der, others) : onTree(dice, der, others);
    if (!changed.equals(der) && !others.some((other) => other.equals(changed))) return changed;
  }
}

function onTree(dice: Dice, der: Buffer, others: readonly Buffer[]): Buffer {
  const root = treeOf(der);
  for (let left = 1 + dice.roll(2); left > 0; left -= 1) {
    const places = placesOf(root);
    const other = dice.one(placesOf(treeOf(dice.one(others))));
    const { siblings, at } = dice.one(places.length > 0 ? places : [other]);
    const node = siblings[at];
    const { siblings: otherSiblings, at: otherAt } = other;
    if (node) dice.one(onElements)(dice, node, siblings, at, otherSiblings[otherAt] ?? node);
  }
  return encoded(root);
}

function treeOf(der: Buffer): Node {
  const tag = der.readUInt8(0);
  const content = der.subarray(headerOctets(der));
  if (!(tag & 0x20)) return { tag, inside: content };
  const inside: Node[] = [];
  for (let at = 0; at < content.length; ) {
    const header = headerOctets(content.subarray(at));
    const length = header === 2 ? content.readUInt8(at + 1) : content.readUIntBE(at + 2, header - 2);
    inside.push(treeOf(content.subarray(at, at + header + length)));
    at += header + length;
  }
  return { tag, inside };
}

function placesOf(node: Node): { siblings: Node[]; at: number }[] {
  const { inside } = node;
  if (!Array.isArray(inside)) return [];
  return inside.flatMap((child, at) => [{ siblings: inside, at }, ...placesOf(child)]);
}

function encoded({ tag, inside }: Node): Buffer {
  return tlv(tag, Array.isArray(inside) ? Buffer.concat(inside.map(encoded)) : inside);
}
