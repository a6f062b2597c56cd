import { type Checkpoint, openCheckpoint, readCheckpoint } from '../checkpoint.js';
import type { ExportHeader, ExportLine } from '../export/format.js';
import { ExportDamaged } from '../export/format.js';
import { positionOfLeaf } from '../leaf.js';
import { leafHash, RightEdge } from '../merkle.js';
import type { NoteVerifier } from '../signed-note.js';
import { type AuditFinding, FINDINGS_MAX, span } from './findings.js';
import { Segments } from './segments.js';
import { StoredTree } from './stored-tree.js';

export interface AuditOptions {
  readonly verifiers: readonly NoteVerifier[];
  /** Signed heads that the auditor kept from before, of any log: the export must go on from each of its own log. */
  readonly kept?: readonly string[];
  /** Told now and then how many events were looked at, and how many the log says it has. */
  readonly progress?: (events: number, of: number) => void;
}

export interface Audited {
  readonly service: string;
  readonly log: number;
  readonly events: number;
  readonly heads: number;
  /** Leaves under the newest head that holds; what lies behind is not signed yet. */
  readonly signed: number;
  /** Root over all events as they stand, base64; undefined where they are not in one piece. */
  readonly root: string | undefined;
  readonly findings: readonly AuditFinding[];
}

const PROGRESS_EVERY = 10_000;

/**
 * Invariant I10, from an export and public keys alone: the leaves and the root worked out anew from the events, each head's
 * signature, each head's root, so that every head is the beginning of the next. What differs is located by the stored
 * hashes: they are as good as the head that their own root meets.
 */
export async function auditLog(lines: AsyncIterable<ExportLine>, options: AuditOptions): Promise<Audited> {
  let audit: LogAudit | undefined;
  for await (const line of lines) {
    if (line.kind === 'header') audit = new LogAudit(line.header, options);
    else audit?.take(line);
  }
  if (!audit) throw new ExportDamaged('an export without a header');
  return audit.result();
}

class LogAudit {
  private readonly stored = new StoredTree();
  private readonly segments = new Segments();
  private readonly findings: AuditFinding[] = [];
  /** Over the events as they stand; undefined once they are not in one piece. */
  private actual: RightEdge | undefined = new RightEdge();
  private readonly originEnd: string;
  private readonly kept: readonly Checkpoint[];
  private keptAt = 0;
  private last = 0;
  private events = 0;
  private heads = 0;
  private lastHeadSize = 0;
  private signed = 0;
  /** The size of the first head that neither the stored hashes nor the events meet. */
  private lostAt: number | undefined;

  constructor(
    private readonly header: ExportHeader,
    private readonly options: AuditOptions,
  ) {
    this.originEnd = `/${header.service}/${header.log}`;
    this.kept = this.keptHeads();
  }

  take(line: Exclude<ExportLine, { kind: 'header' }>): void {
    if (line.kind === 'hashes') this.stored.take(line.run);
    else if (line.kind === 'event') this.takeEvent(line.leaf);
    else if (line.kind === 'head') this.takeHead(line.head);
    else if (line.events !== this.events || line.heads !== this.heads) {
      throw new ExportDamaged(
        `the export says that it holds ${line.events} events and ${line.heads} heads: it holds ${this.events} and ${this.heads}`,
      );
    }
  }

  result(): Audited {
    const { header } = this;
    this.checkCutOff();
    const { findings, missingExplained } = this.segments.findings(this.last, header.leaves);
    if (this.last < this.end && !missingExplained) this.missing(this.last + 1, this.end);
    const all = [...this.findings, ...findings, ...this.stored.findings];
    return {
      service: header.service,
      log: header.log,
      events: this.events,
      heads: this.heads,
      signed: this.signed,
      root: this.actual?.root().toString('base64'),
      findings: all.sort((a, b) => (a.position ?? 0) - (b.position ?? 0)),
    };
  }

  /** The last position that was ever recorded, as far as the log or its tree knows. */
  private get end(): number {
    return Math.max(this.header.position, this.header.leaves);
  }

  private takeEvent(leaf: string): void {
    const { progress } = this.options;
    const position = positionOfLeaf(leaf);
    if (position === undefined) throw new ExportDamaged(`no event of an export: ${leaf.slice(0, 80)}`);
    this.events += 1;
    if (this.events % PROGRESS_EVERY === 0) progress?.(this.events, this.header.position);
    if (position <= this.last) {
      const detail = `an event stands at position ${position} behind position ${this.last}`;
      this.say({ kind: 'inserted', position, to: position, detail, leaf });
      this.actual = undefined;
      return;
    }
    if (position > this.header.position) {
      const detail = `position ${position} lies beyond the end of the log, ${this.header.position}: appended past the service`;
      this.say({ kind: 'beyond_end', position, to: position, detail, leaf });
    }
    if (position > this.last + 1) {
      // Nothing was ever recorded between the log's end and an event beyond it.
      const to = Math.min(position - 1, this.end);
      if (to > this.last) this.missing(this.last + 1, to);
      this.actual = undefined;
    }
    this.checkKept(position - 1);
    const hash = leafHash(leaf);
    this.segments.take(position, leaf, hash, (at) => this.stored.leafAt(at));
    this.actual?.append(hash);
    this.stored.growTo(position);
    this.last = position;
  }

  private takeHead({ size, note }: { size: number; note: string }): void {
    this.heads += 1;
    const checkpoint = openCheckpoint(note, this.options.verifiers);
    const wrong = this.wrongOf(size, checkpoint);
    if (!checkpoint || wrong !== undefined) {
      this.badHead(size, wrong ?? '');
      return;
    }
    this.lastHeadSize = size;
    this.checkKept(size);
    this.checkRoot(checkpoint, 'the signed head');
  }

  private wrongOf(size: number, checkpoint: Checkpoint | undefined): string | undefined {
    if (!checkpoint) return 'is not signed by a key that was given';
    if (!checkpoint.origin.endsWith(this.originEnd)) return `is one of ${checkpoint.origin}`;
    if (checkpoint.size !== size) return `says that it has ${checkpoint.size} leaves`;
    return size <= this.lastHeadSize ? 'stands there twice' : undefined;
  }

  /** Against the stored hashes and against the events themselves; each head's root makes it the beginning of the next. */
  private checkRoot({ size, root }: Checkpoint, what: string): void {
    if (size > this.last) this.stored.growTo(size);
    const stored = this.stored.rootAt(size)?.equals(root) ?? false;
    const actual = this.actual?.size === size && this.actual.root().equals(root);
    const from = Math.min(size, this.signed + 1);
    if (stored || actual) this.signed = Math.max(this.signed, size);
    if (stored && actual) return;
    if (actual) {
      const detail = `the events at ${span(from, size)} are those of ${what}, the hashes stored for them are not`;
      if (!this.findings.some((finding) => finding.kind === 'tree'))
        this.say({ kind: 'tree', position: from, to: size, detail });
    } else if (!stored && this.lostAt === undefined) {
      this.lostAt = size;
      const detail = `what stands at ${span(from, size)} is not what ${what} of ${size} leaves was signed over`;
      this.say({ kind: 'range', position: from, to: size, detail });
    }
  }

  /** The heads kept by the auditor that this log must meet, the smallest first. */
  private keptHeads(): readonly Checkpoint[] {
    const own = (this.options.kept ?? []).filter((note) => readCheckpoint(note)?.origin.endsWith(this.originEnd));
    return own
      .flatMap((note) => {
        const checkpoint = openCheckpoint(note, this.options.verifiers);
        const size = readCheckpoint(note)?.size ?? 0;
        if (!checkpoint) this.badHead(size, 'that was kept is not signed by a key that was given');
        return checkpoint ?? [];
      })
      .sort((a, b) => a.size - b.size);
  }

  /** Looks at the kept heads up to a size, at the moment when the events up to there have been read. */
  private checkKept(upTo: number): void {
    for (let kept = this.kept[this.keptAt]; kept && kept.size <= upTo; kept = this.kept[this.keptAt]) {
      this.keptAt += 1;
      this.checkRoot(kept, 'the kept head');
    }
  }

  /** What was published and kept elsewhere cannot be taken back. */
  private checkCutOff(): void {
    const end = Math.max(this.last, this.header.leaves);
    this.checkKept(end);
    const largest = this.kept.at(-1);
    if (!largest || largest.size <= end) return;
    const detail = `a kept head has ${largest.size} leaves: what stood at ${span(end + 1, largest.size)} was cut off`;
    this.say({ kind: 'removed', position: end + 1, to: largest.size, detail });
  }

  private missing(from: number, to: number): void {
    const detail = `${span(from, to)} ${from === to ? 'is' : 'are'} missing: removed`;
    this.say({ kind: 'removed', position: from, to, detail });
  }

  private badHead(size: number, what: string): void {
    this.say({ kind: 'head', position: null, to: null, detail: `the head of ${size} leaves ${what}` });
  }

  private say(finding: AuditFinding): void {
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding);
  }
}
