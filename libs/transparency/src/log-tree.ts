import type { RecordedRows } from '@tsunagu/event-store';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import { leafOf } from './leaf.js';
import { leafHash } from './merkle.js';
import { consistencyProof, inclusionProof } from './proof.js';
import type { Head, TreeStore } from './tree-store.js';

/** That one event stands in a log, with all that is needed to check it but the key. */
export interface EventProof {
  readonly origin: string;
  readonly position: number;
  /** The event as recorded (docs/tamper-evidence.md): its hash is the leaf's. */
  readonly leaf: string;
  /** Base64, from the leaf upwards. */
  readonly proof: readonly string[];
  /** The signed head under which the proof holds. */
  readonly checkpoint: string;
}

export interface LeafProof {
  readonly origin: string;
  readonly position: number;
  /** Base64. */
  readonly leafHash: string;
  readonly size: number;
  readonly proof: readonly string[];
}

/** What is proved of one log. Answers are given under published heads only. */
export class LogTree {
  constructor(
    readonly origin: string,
    /** The public key as a C2SP verifier key. */
    readonly verifierKey: string,
    private readonly store: TreeStore,
    private readonly rows: RecordedRows,
  ) {}

  get log(): number {
    return this.store.log;
  }

  /** The newest signed head; undefined while there is none. */
  head(): Promise<Head | undefined> {
    return this.store.lastHead();
  }

  heads(after: number, limit: number): Promise<readonly Head[]> {
    return this.store.heads(after, limit);
  }

  /** The hashes between two sizes, neither larger than the newest head's; undefined where it is. */
  async consistency(first: number, second: number): Promise<readonly string[] | undefined> {
    const head = await this.head();
    if (!head || second > head.size) return undefined;
    return encoded(await consistencyProof(this.store, first, second));
  }

  /** That a position is in the tree of `size` leaves (default: the newest head's); undefined where it is not, or not signed yet. */
  async inclusion(position: number, size?: number): Promise<LeafProof | undefined> {
    const head = await this.head();
    const within = size ?? head?.size ?? 0;
    if (!head || within > head.size || position < 1 || position > within) return undefined;
    const index = position - 1;
    const [leaf = Buffer.alloc(0)] = await this.store.read([{ level: 0, index }]);
    const proof = encoded(await inclusionProof(this.store, index, within));
    return { origin: this.origin, position, leafHash: leaf.toString('base64'), size: within, proof };
  }

  /**
   * The recorded event at a position with its proof under the newest head; undefined where that does not reach so far.
   * An event that is no longer what was recorded has no proof: that rejects.
   */
  async event(position: number): Promise<EventProof | undefined> {
    const head = await this.head();
    const checkpoint = head && checkpointOf(head);
    if (!checkpoint || position < 1 || position > checkpoint.size) return undefined;
    const [row] = await this.rows.readRecorded({ after: position - 1, limit: 1 });
    const leaf = row && leafOf(row);
    const [stored] = await this.store.read([{ level: 0, index: position - 1 }]);
    if (leaf === undefined || !stored?.equals(leafHash(leaf))) {
      throw new Error(`${this.origin}: the event at position ${position} is not the one that was recorded`);
    }
    const proof = encoded(await inclusionProof(this.store, position - 1, checkpoint.size));
    return { origin: this.origin, position, leaf, proof, checkpoint: head.note };
  }
}

function checkpointOf({ note }: Head): Checkpoint {
  const checkpoint = readCheckpoint(note);
  if (!checkpoint) throw new Error('a stored head is no checkpoint');
  return checkpoint;
}

function encoded(hashes: readonly Buffer[]): readonly string[] {
  return hashes.map((hash) => hash.toString('base64'));
}
