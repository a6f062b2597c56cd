import type { RecordedRows } from '@tsunagu/event-store';
import { ok, type Result, refuse } from '@tsunagu/kernel';
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
  readonly size: number;
  /** Base64. */
  readonly leafHash: string;
  readonly proof: readonly string[];
}

export interface TreeConsistency {
  readonly origin: string;
  readonly first: number;
  readonly second: number;
  readonly proof: readonly string[];
}

export interface LogTreeOptions {
  readonly origin: string;
  /** The public key as a C2SP verifier key. */
  readonly verifierKey: string;
  readonly store: TreeStore;
  readonly rows: RecordedRows;
  /** How soon the next head is due. */
  readonly headEveryMs: number;
}

type NotSigned = Result<never, 'log.not_signed_yet'>;

/** What is proved of one log. Nothing is proved beyond the newest signed head. */
export class LogTree {
  readonly log: number;
  readonly origin: string;
  readonly verifierKey: string;

  constructor(private readonly options: LogTreeOptions) {
    this.log = options.store.log;
    this.origin = options.origin;
    this.verifierKey = options.verifierKey;
  }

  /** The newest signed head. */
  async head(): Promise<Result<Head, 'log.not_signed_yet'>> {
    const head = await this.options.store.lastHead();
    return head ? ok(head) : this.notSigned();
  }

  /** Heads of more than `after` leaves, the smallest first. */
  heads(after: number, limit: number): Promise<readonly Head[]> {
    return this.options.store.heads(after, limit);
  }

  /** RFC 9162 §2.1.4 between two sizes, `first` not the larger. */
  async consistency(first: number, second: number): Promise<Result<TreeConsistency, 'log.not_signed_yet'>> {
    const head = await this.head();
    if (!head.ok) return head;
    if (second > head.value.size) return this.notSigned();
    const proof = encoded(await consistencyProof(this.options.store, first, second));
    return ok({ origin: this.origin, first, second, proof });
  }

  /** RFC 9162 §2.1.3 for a position, from 1, in the tree of `size` leaves (default: the newest head's). */
  async inclusion(position: number, size?: number): Promise<Result<LeafProof, 'log.not_signed_yet'>> {
    const head = await this.head();
    if (!head.ok) return head;
    const within = size ?? head.value.size;
    if (within > head.value.size || position > within) return this.notSigned();
    const leafHash = (await this.storedLeaf(position)).toString('base64');
    const proof = encoded(await inclusionProof(this.options.store, position - 1, within));
    return ok({ origin: this.origin, position, size: within, leafHash, proof });
  }

  /** The recorded event at a position with its proof under the newest head. */
  async event(position: number): Promise<Result<EventProof, 'log.not_signed_yet' | 'log.record_changed'>> {
    const head = await this.head();
    if (!head.ok) return head;
    const { size, note } = head.value;
    if (position > size) return this.notSigned();
    const [row] = await this.options.rows.readRows({ after: position - 1, limit: 1 });
    const leaf = row === undefined ? '' : leafOf(row);
    if (!(await this.storedLeaf(position)).equals(leafHash(leaf))) return refuse('log.record_changed');
    const proof = encoded(await inclusionProof(this.options.store, position - 1, size));
    return ok({ origin: this.origin, position, leaf, proof, checkpoint: note });
  }

  private async storedLeaf(position: number): Promise<Buffer> {
    const [leaf] = await this.options.store.read([{ level: 0, index: position - 1 }]);
    if (!leaf) throw new Error(`${this.origin} has no leaf ${position - 1}`);
    return leaf;
  }

  private notSigned(): NotSigned {
    const retryAfterSeconds = Math.ceil(this.options.headEveryMs / 1_000);
    return refuse('log.not_signed_yet', { retryAfterSeconds });
  }
}

function encoded(hashes: readonly Buffer[]): readonly string[] {
  return hashes.map((hash) => hash.toString('base64'));
}
