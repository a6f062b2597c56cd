import { leafAt } from '../leaf.js';
import { leafHash } from '../merkle.js';
import { type AuditFinding, FINDINGS_MAX, span } from './findings.js';

/** How far an event is looked for from where it stands, while the log is read; farther ones are paired at the end. */
const SHIFT_MAX = 32;

/**
 * Neighbouring positions whose events do not have the hash that was stored. `shift`: the events were recorded so many
 * positions further on; undefined: no position near has their hash.
 */
interface Segment {
  readonly from: number;
  to: number;
  readonly shift: number | undefined;
  /** Of the first event, as it stands. */
  readonly leaf: string;
}

/**
 * Compares events with the hashes stored for them, one after another, and tells what became of those that differ: an event
 * whose hash is right at another position stands where it was not recorded.
 */
export class Segments {
  private readonly segments: Segment[] = [];
  private readonly unmatched: { position: number; stored: Buffer }[] = [];
  private shift = 0;
  private last: Segment | undefined;

  /** Looks at the event at a position; true where it is the one that was recorded there. */
  take(position: number, leaf: string, hash: Buffer, storedAt: (position: number) => Buffer | undefined): boolean {
    const stored = storedAt(position);
    if (stored?.equals(hash)) {
      this.shift = 0;
      this.last = undefined;
      return true;
    }
    if (!stored) return false;
    const shift = this.shiftOf(position, leaf, storedAt);
    if (shift !== undefined) this.shift = shift;
    if (this.last && this.last.to === position - 1 && this.last.shift === shift) this.last.to = position;
    else if (this.segments.length < FINDINGS_MAX) {
      this.last = { from: position, to: position, shift, leaf };
      this.segments.push(this.last);
    }
    if (shift === undefined && this.unmatched.length < FINDINGS_MAX) this.unmatched.push({ position, stored });
    return false;
  }

  /** `lastPosition` is that of the log's last event, `leaves` how many were hashed. */
  findings(lastPosition: number, leaves: number): { findings: AuditFinding[]; missingExplained: boolean } {
    const findings: AuditFinding[] = [];
    let missingExplained = false;
    const pairs = this.pairs();
    this.segments.forEach(({ from, to, shift, leaf }, i) => {
      const next = this.segments[i + 1];
      const add = (kind: AuditFinding['kind'], first: number, end: number, detail: string) =>
        findings.push({ kind, position: first, to: end, detail, leaf });
      if (shift === undefined) {
        const count = to - from + 1;
        if (next?.shift === -count && next.from === to + 1) {
          add(
            'inserted',
            from,
            to,
            `${span(from, to)}: inserted; the events from ${to + 1} on were recorded ${count} earlier`,
          );
          return;
        }
        const origin = from === to ? pairs.get(from) : undefined;
        if (origin !== undefined)
          add('moved', from, to, `position ${from} holds the event that was recorded at ${origin}`);
        else if (count === 1)
          add('changed', from, to, `the event at position ${from} is not the one that was recorded`);
        else add('changed', from, to, `the events at ${span(from, to)} are not those that were recorded`);
      } else if (shift > 0 && to === lastPosition && lastPosition + shift >= leaves) {
        missingExplained = lastPosition + shift === leaves;
        const end = from + shift - 1;
        add(
          'removed',
          from,
          end,
          `what was recorded at ${span(from, end)} was removed; the later events were numbered anew`,
        );
      } else if (shift < 0 && this.follows(i)) {
        return;
      } else {
        add(
          'moved',
          from,
          to,
          `${span(from, to)} ${from === to ? 'holds the event' : 'hold the events'} recorded at ${span(from + shift, to + shift)}`,
        );
      }
    });
    return { findings, missingExplained };
  }

  /** The segment before is what pushed this one along. */
  private follows(index: number): boolean {
    const [before, own] = [this.segments[index - 1], this.segments[index]];
    return (
      before !== undefined &&
      own !== undefined &&
      before.shift === undefined &&
      before.to === own.from - 1 &&
      before.from - before.to - 1 === own.shift
    );
  }

  private shiftOf(
    position: number,
    leaf: string,
    storedAt: (position: number) => Buffer | undefined,
  ): number | undefined {
    const fits = (shift: number) => {
      const stored = position + shift >= 1 ? storedAt(position + shift) : undefined;
      return stored?.equals(leafHash(leafAt(leaf, position + shift))) ?? false;
    };
    if (this.shift !== 0 && fits(this.shift)) return this.shift;
    for (let distance = 1; distance <= SHIFT_MAX; distance += 1) {
      if (fits(distance)) return distance;
      if (fits(-distance)) return -distance;
    }
    return undefined;
  }

  /** Of single events that fit nowhere near: where among the others' places they were recorded. */
  private pairs(): ReadonlyMap<number, number> {
    const pairs = new Map<number, number>();
    const single = this.segments.filter(({ shift, from, to }) => shift === undefined && from === to);
    for (const { from, leaf } of single) {
      const origin = this.unmatched.find(
        ({ position, stored }) => position !== from && stored.equals(leafHash(leafAt(leaf, position))),
      );
      if (origin) pairs.set(from, origin.position);
    }
    return pairs;
  }
}
