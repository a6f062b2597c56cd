import { openCheckpoint } from '../checkpoint.js';
import { positionOfLeaf } from '../leaf.js';
import type { EventProof } from '../log-tree.js';
import { HASH_BYTES, leafHash } from '../merkle.js';
import { verifyInclusion } from '../proof.js';
import { fromBase64, type NoteVerifier } from '../signed-note.js';

/** What is wrong with the proof of one event, undefined where it holds: a leaf, a path and a signed head, and nothing else is needed. */
export function auditProof(proof: EventProof, verifiers: readonly NoteVerifier[]): string | undefined {
  const checkpoint = openCheckpoint(proof.checkpoint, verifiers);
  if (!checkpoint) return 'the checkpoint is not signed by a key that was given';
  if (checkpoint.origin !== proof.origin) return `the checkpoint is one of ${checkpoint.origin}`;
  if (positionOfLeaf(proof.leaf) !== proof.position) return 'the leaf names another position';
  const path = proof.proof.map(fromBase64);
  if (path.some((hash) => hash?.length !== HASH_BYTES)) return 'the path holds what is no hash';
  const { size, root } = checkpoint;
  const claim = { index: proof.position - 1, size, root, leafHash: leafHash(proof.leaf), proof: path as Buffer[] };
  return verifyInclusion(claim) ? undefined : 'the path does not lead from this event to the signed root';
}
