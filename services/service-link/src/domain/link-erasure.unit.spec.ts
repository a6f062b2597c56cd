import { decideErased, fold as foldLink, type Link, type LinkEvent } from './link.js';
import { fold, type LinkErasureEvent } from './link-erasure.js';

const subject = { linkId: 'l1', personId: 'p1', providerId: 'sim-pay', programmeId: 'default' };
const requested: LinkEvent = {
  type: 'LinkRequested',
  data: { ...subject, providersPerPerson: 'one', linkConfirmation: 'none', accountKey: 'a1', expiresAt: '2026-11-21' },
};
const confirmed: LinkEvent = {
  type: 'ProviderConfirmed',
  data: { linkId: 'l1', referenceKey: 'r1', awaitsPerson: true },
};
const established: LinkEvent = { type: 'LinkEstablished', data: subject };
const disputed: LinkEvent = { type: 'LinkDisputed', data: { ...subject, pattern: 'not_mine', side: 'holder' } };
const refused: LinkEvent = { type: 'LinkRefused', data: { linkId: 'l1', reasonCode: 'person_erased' } };
const ended: LinkEvent = {
  type: 'LinkEnded',
  data: { ...subject, pattern: 'person_erased', successorLinkId: null },
};

const folded = (events: readonly LinkEvent[]): Link => {
  const link = foldLink(events);
  if (!link) throw new Error('no link');
  return link;
};

describe('a link of a person who is erased', () => {
  it.each([
    ['requested', [requested], refused, undefined],
    ['confirmed', [requested, confirmed], refused, undefined],
    ['established', [requested, confirmed, established], ended, true],
    ['disputed', [requested, confirmed, established, disputed], ended, undefined],
  ] as const)(
    'that is %s ends, and owes an outcome only where points may have gone over it',
    (_, before, end, owes) => {
      expect(decideErased(folded(before))).toEqual([end]);
      const after = folded([...before, end]);
      expect(after.owesOutcome).toBe(owes);
      expect(decideErased(after)).toEqual([]);
    },
  );

  it('that had ended for another reason owes nothing and stays as it is', () => {
    const byPerson: LinkEvent = { ...ended, data: { ...ended.data, pattern: 'ended_by_person' } };
    const link = folded([requested, confirmed, established, byPerson]);
    expect(decideErased(link)).toEqual([]);
    expect(link).toMatchObject({ reasonCode: 'ended_by_person' });
    expect(link.owesOutcome).toBeUndefined();
  });
});

it('an erasure is begun, then done', () => {
  const begun: LinkErasureEvent = {
    type: 'LinkErasureBegun',
    data: { personId: 'p1', erasureId: 'e1', keyHash: 'h1' },
  };
  const done: LinkErasureEvent = { type: 'LinkErasureCompleted', data: { personId: 'p1', erasureId: 'e1' } };
  expect(fold([])).toBeUndefined();
  expect(fold([begun])).toEqual({ personId: 'p1', erasureId: 'e1', keyHash: 'h1', state: 'begun' });
  expect(fold([begun, done])).toMatchObject({ state: 'done' });
  expect(() => fold([done])).toThrow('stands before LinkErasureBegun');
});
