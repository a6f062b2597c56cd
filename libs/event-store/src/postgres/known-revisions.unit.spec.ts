import fc from 'fast-check';
import { KnownRevisions } from './known-revisions.js';

const KEPT_AT_LEAST = 100_000;
const KEPT_AT_MOST = 200_000;

/** Notes revision 0 of so many streams that nobody has heard of. */
function noteOthers(known: KnownRevisions, count: number, prefix = 'other'): void {
  for (let n = 0; n < count; n += 1) known.note(`${prefix}-${n}`, 0);
}

it('knows the highest revision noted of each stream, and −1 of others', () => {
  const note = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -1, max: 9 }));
  fc.assert(
    fc.property(fc.array(note), (notes) => {
      const known = new KnownRevisions();
      for (const [stream, revision] of notes) known.note(stream, revision);
      for (const stream of ['a', 'b', 'c', 'd']) {
        const noted = notes.filter(([name]) => name === stream).map(([, revision]) => revision);
        expect(known.of(stream)).toBe(Math.max(-1, ...noted));
      }
    }),
  );
});

it('knows the hundred thousand streams noted last, whenever one looks', () => {
  for (const before of [0, KEPT_AT_LEAST - 1, KEPT_AT_LEAST]) {
    const known = new KnownRevisions();
    noteOthers(known, before, 'before');
    known.note('thing-1', 7);
    noteOthers(known, KEPT_AT_LEAST - 1);
    expect([before, known.of('thing-1')]).toEqual([before, 7]);
  }
});

it('forgets the streams noted before the last two hundred thousand', () => {
  const known = new KnownRevisions();
  known.note('thing-1', 7);
  known.note('thing-2', 7);
  noteOthers(known, KEPT_AT_MOST);
  expect([known.of('thing-1'), known.of('thing-2')]).toEqual([-1, -1]);
});

it('keeps a stream that goes on growing, at its highest revision', () => {
  const known = new KnownRevisions();
  for (let revision = 0; revision < 6; revision += 1) {
    known.note('thing-1', revision);
    known.note('thing-1', revision - 1);
    noteOthers(known, KEPT_AT_LEAST / 2, `round ${revision}`);
    expect(known.of('thing-1')).toBe(revision);
  }
});

it('takes what was written for what is there, without looking', () => {
  const known = new KnownRevisions();
  known.advance('thing-1', 3);
  known.note('thing-1', 2);
  expect(known.of('thing-1')).toBe(3);
});
