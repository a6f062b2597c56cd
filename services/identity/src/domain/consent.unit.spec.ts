import { isoTime } from '@tsunagu/kernel';
import { decideWithdrawal, hasWithdrawn, mayUse } from './consent.js';
import { type AttributesVerified, decideAttributes, fold, type Person, type PersonEvent } from './person.js';

const startMs = Date.parse('2026-11-30T01:00:00.000Z');
const at = (seconds: number) => isoTime(startMs + seconds * 1_000);

const reading = (seconds: number, kind: AttributesVerified['kind'] = 'signatureCertificate') => {
  return { kind, attributes: ['birthDate'] as const, readAt: at(seconds), digest: `digest-${seconds}` };
};
const registered: PersonEvent = { type: 'PersonRegistered', data: { personId: 'p' } };
const verified = (...given: Parameters<typeof reading>): PersonEvent => {
  return { type: 'AttributesVerified', data: { personId: 'p', ...reading(...given) } };
};
const merge = { keptPersonId: 'p', mergedPersonId: 'q', mergeId: 'm', personId: 'p' };
const merged: PersonEvent = { type: 'PersonsMerged', data: merge };
const split: PersonEvent = { type: 'PersonSplit', data: merge };

function personOf(events: readonly PersonEvent[]): Person {
  const person = fold(events);
  if (!person) throw new Error('not registered');
  return person;
}

function withdrawal(events: readonly PersonEvent[], seconds: number): readonly PersonEvent[] {
  const decided = decideWithdrawal([personOf(events)], 'attributes', startMs + seconds * 1_000);
  return decided.ok ? [...decided.value.values()] : [];
}

it('a reading of an earlier release was a consent, given when it was read', () => {
  const [card, login] = [personOf([registered, verified(1)]), personOf([registered, verified(1, 'nationalLogin')])];
  expect([...card.consents, ...login.consents]).toEqual([
    { purpose: 'attributes', how: 'card', givenAt: at(1), withdrawnAt: null },
    { purpose: 'attributes', how: 'login', givenAt: at(1), withdrawnAt: null },
  ]);
  // The next reading is under the same consent.
  expect(decideAttributes(card, reading(2)).map(({ type }) => type)).toEqual(['AttributesVerified']);
  expect(personOf([registered, verified(1), verified(2)]).consents).toHaveLength(1);
});

it('a withdrawal is never before a reading that it ends, whatever the clocks say', () => {
  const events = [registered, ...decideAttributes(personOf([registered]), reading(5))];
  const ended = withdrawal(events, 2);
  expect(ended.map(({ data }) => data)).toEqual([{ personId: 'p', purpose: 'attributes', withdrawnAt: at(5) }]);
  const person = personOf([...events, ...ended]);
  expect([person.attributesReadAt, person.attributesDigest, hasWithdrawn([person])]).toEqual([null, 'digest-5', true]);
  expect([mayUse(person, at(5)), mayUse(person, at(6))]).toEqual([false, false]);
  expect(withdrawal([...events, ...ended], 9)).toEqual([]);
});

it('what was read until a withdrawal does not come back, what is read later is a new consent', () => {
  const events = [registered, ...decideAttributes(personOf([registered]), reading(1))];
  const ended = [...events, ...withdrawal(events, 3)];
  expect([2, 3].flatMap((seconds) => decideAttributes(personOf(ended), reading(seconds)))).toEqual([]);
  const anew = [...ended, ...decideAttributes(personOf(ended), reading(4))];
  expect(anew.slice(ended.length).map(({ type }) => type)).toEqual(['ConsentGiven', 'AttributesVerified']);
  const person = personOf(anew);
  expect(person.consents.map(({ withdrawnAt }) => withdrawnAt)).toEqual([at(3), null]);
  // A row that the vault has yet to forget is not used under the new consent either.
  expect([mayUse(person, at(1)), mayUse(person, at(4))]).toEqual([false, true]);
});

it('a split leaves the digest of a person who only withdrew meanwhile, and no digest or consent that may be the other’s', () => {
  const own = [registered, ...decideAttributes(personOf([registered]), reading(1)), merged];
  const withdrawn = [...own, ...withdrawal(own, 2)];
  const alone = personOf([...withdrawn, split]);
  expect([alone.attributesDigest, hasWithdrawn([alone])]).toEqual(['digest-1', true]);
  const anew = [...withdrawn, ...decideAttributes(personOf(withdrawn), reading(3))];
  const parted = personOf([...anew, split]);
  expect([parted.attributesDigest, parted.attributesReadAt, hasWithdrawn([parted])]).toEqual([null, null, true]);
  expect(decideAttributes(parted, reading(2))).toEqual([]);
});
