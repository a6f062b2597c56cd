import {
  approveErasure,
  checkErasure,
  type Erasure,
  type ErasureEvent,
  eventsOfErasure,
  foldErasure,
} from './erasure.js';
import { fold, type Person, type PersonEvent } from './person.js';

const erasureId = 'erasure';
const proposed: ErasureEvent = {
  type: 'ErasureProposed',
  data: { erasureId, personIds: ['a'], reasonPattern: 'person_asked', evidence: null, proposedBy: 'staff:one' },
};
const approved: ErasureEvent = { type: 'ErasureApproved', data: { erasureId, approvedBy: 'staff:two' } };

function person(personId: string, events: readonly PersonEvent[] = []): Person {
  const known = fold([{ type: 'PersonRegistered', data: { personId } }, ...events]);
  if (!known) throw new Error('nobody');
  return known;
}

const merged = (personId: string, keptPersonId: string, mergedPersonId: string): PersonEvent => {
  return { type: 'PersonsMerged', data: { personId, keptPersonId, mergedPersonId, mergeId: 'merge' } };
};
const erased = (personId: string): PersonEvent => {
  return { type: 'PersonErased', data: { personId, erasureId: 'before', keyHash: 'key' } };
};
const byId = (...persons: Person[]) => new Map(persons.map((each) => [each.personId, each]));
const codeOf = (result: ReturnType<typeof checkErasure>) => (result.ok ? undefined : result.refusal.code);

describe('an approval', () => {
  it('is another person’s, once', () => {
    const erasure = foldErasure([proposed]) as Erasure;
    expect(approveErasure(erasure, 'staff:one')).toMatchObject({
      refusal: { code: 'identity.second_person_required' },
    });
    expect(approveErasure(erasure, 'staff:two')).toEqual({ ok: true, value: approved });
    for (const events of [
      [proposed, approved],
      [proposed, approved, { type: 'ErasureCompleted', data: { erasureId } } as const],
    ]) {
      const known = foldErasure(events) as Erasure;
      expect(approveErasure(known, 'staff:two')).toEqual({ ok: true, value: undefined });
      for (const by of ['staff:one', 'staff:three']) {
        expect(approveErasure(known, by)).toMatchObject({ refusal: { code: 'identity.erased' } });
      }
    }
  });
});

describe('the ids of an erasure', () => {
  const a = person('a', [merged('a', 'a', 'b')]);
  const b = person('b', [merged('b', 'a', 'b'), merged('b', 'b', 'c')]);
  const c = person('c', [merged('c', 'b', 'c')]);

  it.each<[string, readonly string[], ReadonlyMap<string, Person>, string | undefined]>([
    ['one id of one person', ['c'], byId(person('c')), undefined],
    ['all ids, in merges upon merges', ['a', 'b', 'c'], byId(a, b, c), undefined],
    ['one id too few', ['a', 'b'], byId(a, b), 'identity.erasure_outdated'],
    ['one id too many', ['a', 'x'], byId(person('a'), person('x')), 'identity.erasure_outdated'],
    ['an id that was merged since', ['c'], byId(c), 'identity.erasure_outdated'],
    ['nobody', ['a'], byId(), 'identity.erasure_outdated'],
    ['somebody erased', ['a'], byId(person('a', [erased('a')])), 'identity.erased'],
    [
      'a living person who took over one erased',
      ['a', 'x'],
      byId(person('a', [merged('a', 'a', 'x')]), person('x', [erased('x')])),
      undefined,
    ],
  ])('%s', (_, personIds, persons, code) => {
    expect(codeOf(checkErasure(personIds, persons))).toBe(code);
  });

  it('are each erased once, with the key that goes', () => {
    const keys = new Map([['a', 'key-a']]);
    const data = { personId: 'a', erasureId, keyHash: 'key-a' };
    const events = eventsOfErasure(erasureId, [a, person('x', [erased('x')])], keys);
    expect(events).toEqual([{ type: 'PersonErased', data }]);
    expect(fold([{ type: 'PersonRegistered', data: { personId: 'a' } }, ...events])?.erasureId).toBe(erasureId);
    expect(() => eventsOfErasure(erasureId, [a], new Map())).toThrow('without a vault key');
  });
});
