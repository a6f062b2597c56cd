import { HASH_BYTES } from '../merkle.js';
import { fromBase64 } from '../signed-note.js';
import type { Run } from '../tiles.js';
import type { Head } from '../tree-store.js';

/**
 * An export of a log: gzip of lines of JSON. The first line is the header and the last the end; between them stand, in the
 * order of positions, the events (each line is the leaf itself), the stored hashes of the tree, always ahead of the events
 * that they cover, and each signed head behind the last event that it covers. docs/tamper-evidence.md describes it for others.
 */
export const FORMAT = 'tsunagu-log/1';

/** Stored leaf hashes stand so many positions ahead of their events at least, so that a reader can look forward. */
export const HASHES_AHEAD = 512;

export interface ExportHeader {
  readonly service: string;
  readonly log: number;
  /** Where the log said that it ended. */
  readonly position: number;
  /** Leaves of the stored tree. */
  readonly leaves: number;
  readonly exportedAt: string;
}

export type ExportLine =
  | { readonly kind: 'header'; readonly header: ExportHeader }
  | { readonly kind: 'event'; readonly leaf: string }
  | { readonly kind: 'hashes'; readonly run: Run }
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'end'; readonly events: number; readonly heads: number };

/** The file is not a whole export: nothing that it says can be relied on. */
export class ExportDamaged extends Error {
  override readonly name = 'ExportDamaged';
}

/** One line with its line break. */
export function lineText(line: ExportLine): string {
  switch (line.kind) {
    case 'event':
      return `${line.leaf}\n`;
    case 'header':
      return `${JSON.stringify({ export: FORMAT, ...line.header })}\n`;
    case 'hashes': {
      const { level, first, hashes } = line.run;
      return `${JSON.stringify({ hashes: hashes.toString('base64'), level, first })}\n`;
    }
    case 'head':
      return `${JSON.stringify({ head: line.head.note, size: line.head.size, signedAt: line.head.signedAt })}\n`;
    case 'end':
      return `${JSON.stringify({ end: FORMAT, events: line.events, heads: line.heads })}\n`;
  }
}

/** Throws ExportDamaged for what no export holds. `text` is without its line break. */
export function parseLine(text: string): ExportLine {
  if (text.startsWith('{"actor":')) return { kind: 'event', leaf: text };
  const line = parsed(text);
  const { export: format, end, hashes, head } = line;
  if (format === FORMAT && typeof line.service === 'string' && typeof line.exportedAt === 'string') {
    const { service, exportedAt } = line;
    return {
      kind: 'header',
      header: { service, log: count(line.log), position: count(line.position), leaves: count(line.leaves), exportedAt },
    };
  }
  if (typeof hashes === 'string') {
    const bytes = fromBase64(hashes);
    if (!bytes || bytes.length === 0 || bytes.length % HASH_BYTES !== 0) throw damaged(text);
    return { kind: 'hashes', run: { level: count(line.level), first: count(line.first), hashes: bytes } };
  }
  if (typeof head === 'string' && typeof line.signedAt === 'string') {
    return { kind: 'head', head: { note: head, size: count(line.size), signedAt: line.signedAt } };
  }
  if (end === FORMAT) return { kind: 'end', events: count(line.events), heads: count(line.heads) };
  throw damaged(text);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object') return value as Record<string, unknown>;
  } catch {}
  throw damaged(text);
}

function count(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ExportDamaged(`a line of the export has ${JSON.stringify(value)} where a count is due`);
}

function damaged(text: string): ExportDamaged {
  return new ExportDamaged(`no line of an export: ${text.slice(0, 80)}`);
}
