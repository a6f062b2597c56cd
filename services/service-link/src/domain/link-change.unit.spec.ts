import { decideActingFor, decideGuardian, fold as foldGuardians } from './guardianship.js';
import { decideVerdict, fold, type LinkChange, type LinkChangeEvent } from './link-change.js';

const proposed: LinkChangeEvent = {
  type: 'LinkChangeProposed',
  data: {
    changeId: 'c1',
    ownerId: 'demo',
    proposedBy: 'staff:sato',
    change: { kind: 'correction', pattern: 'unfounded', outcome: 'upheld', links: [], evidence: 'file/1' },
  },
};
const folded = (...events: LinkChangeEvent[]): LinkChange => {
  const change = fold([proposed, ...events]);
  if (!change) throw new Error('no change');
  return change;
};
const second = { ok: false, refusal: { code: 'service_link.second_person_required' } };
const over = { ok: false, refusal: { code: 'service_link.change_ended' } };

describe('a change of links', () => {
  it('is approved by a person who neither proposed it nor changed a link that it names', () => {
    expect(decideVerdict(folded(), 'approve', 'staff:sato', [])).toEqual(second);
    expect(decideVerdict(folded(), 'approve', 'staff:suzuki', ['person:1', 'staff:suzuki'])).toEqual(second);
    expect(decideVerdict(folded(), 'approve', 'staff:suzuki', ['person:1', 'staff:ito'])).toEqual({
      ok: true,
      value: { type: 'LinkChangeApproved', data: { changeId: 'c1', by: 'staff:suzuki' } },
    });
  });

  it('is taken back by the proposer, and ends once', () => {
    const back = decideVerdict(folded(), 'reject', 'staff:sato', []);
    if (!back.ok || !back.value) throw new Error('not rejected');
    const ended = folded(back.value);
    expect(ended.state).toBe('rejected');
    expect(decideVerdict(ended, 'reject', 'staff:sato', [])).toEqual({ ok: true, value: undefined });
    expect(decideVerdict(ended, 'reject', 'staff:ito', [])).toEqual(over);
    expect(decideVerdict(ended, 'approve', 'staff:ito', [])).toEqual(over);
  });
});

describe('a guardian', () => {
  const pair = { childPersonId: 'c', guardianPersonId: 'g' };

  it('is recorded once and no longer acts when taken out', () => {
    const linked = decideGuardian([], 'link', pair);
    expect(foldGuardians(linked)).toEqual(['g']);
    expect(decideGuardian(['g'], 'link', pair)).toEqual([]);
    expect(foldGuardians([...linked, ...decideGuardian(['g'], 'unlink', pair)])).toEqual([]);
    expect(decideGuardian([], 'unlink', pair)).toEqual([]);
  });

  it('acts for a child under 15; from 15 on, or while the age is not known, nobody else acts', () => {
    expect(decideActingFor(['g'], 'g', 'no').ok).toBe(true);
    expect(decideActingFor(['g'], 'g', 'yes')).toMatchObject({ refusal: { code: 'service_link.of_age' } });
    expect(decideActingFor(['g'], 'g', 'unknown')).toMatchObject({ refusal: { code: 'service_link.age_unknown' } });
    expect(decideActingFor(['g'], 'h', 'no')).toMatchObject({ refusal: { code: 'service_link.not_guardian' } });
  });
});
