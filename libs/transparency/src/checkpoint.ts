import { HASH_BYTES } from './merkle.js';
import { fromBase64, type NoteVerifier, openNote, splitNote } from './signed-note.js';

/** C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint): which log, how many leaves, their root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** The origin of a service's log: the name that it has among all logs of the world, and the name of its key. */
export function originOf(base: string, service: string, log: number): string {
  return `${base}/${service}/${log}`;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Undefined for what is no checkpoint. Extension lines are passed over, as the format asks. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined;
  const [origin = '', sizeText = '', rootText = ''] = text.slice(0, -1).split('\n');
  const size = Number(sizeText);
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(sizeText) || !Number.isSafeInteger(size)) return undefined;
  const root = fromBase64(rootText);
  if (root?.length !== HASH_BYTES) return undefined;
  return { origin, size, root };
}

/** The checkpoint in a note that a key of its own origin has signed. */
export function openCheckpoint(note: string, verifiers: readonly NoteVerifier[]): Checkpoint | undefined {
  const opened = openNote(note, verifiers);
  const checkpoint = opened && parseCheckpoint(opened.text);
  return checkpoint && checkpoint.origin === opened.signer ? checkpoint : undefined;
}

/** What a note says, whoever signed it. */
export function readCheckpoint(note: string): Checkpoint | undefined {
  const parts = splitNote(note);
  return parts && parseCheckpoint(parts.text);
}
