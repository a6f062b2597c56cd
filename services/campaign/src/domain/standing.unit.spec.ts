import fc from 'fast-check';
import {
  decideAnswer,
  decideClaim,
  decideMerged,
  decideNoted,
  decideRelease,
  decideReopen,
  decideSplit,
  type Entitlement,
  type EntitlementEvent,
  foldEntitlement,
  type GrantOrder,
  isHeld,
  type LedgerAnswer,
} from './entitlement.js';
import { decideAgain } from './replay.js';
import type { At } from './stamped.js';
import { decideNotes, type Noted, notedOf, nothingNoted, revocationOf, type StandingEvent } from './standing.js';
import { campaignId, claimId, fundId, measureId, orderOf, personId, refusalAt } from './test-claim.js';

const [read, claimed, later] = [1, 2, 3].map((second) => `2026-12-01T00:00:0${second}.000Z`) as [
  string,
  string,
  string,
];

const order = orderOf([{ rule: 'age', answer: 'yes', factReadAt: read }]);
const refusal = refusalAt(later);
const heldFor = { heldFor: 'identity_review' } as const;
const revoked: Noted = { ...nothingNoted, revoked: true };
const erased: Noted = { ...nothingNoted, erased: true };
const withdrawn: Noted = { ...nothingNoted, withdrawnAt: claimed };

const accepted = (of: Partial<GrantOrder> = {}) =>
  ({ type: 'ClaimAccepted', data: { ...order, ...of }, effectiveAt: claimed }) as const;
const state = (of: Partial<GrantOrder>, ...events: readonly At<EntitlementEvent>[]) =>
  foldEntitlement([accepted(of), ...events]) as Entitlement;
const ends = (events: readonly At<EntitlementEvent>[]) =>
  events.map(({ type, data }) => [type, (data as { reasonCode?: string }).reasonCode]);
const refused = decideAnswer(state({}), refusal, nothingNoted);

describe('notes on a person', () => {
  const note = (change: number): StandingEvent => ({
    type: 'RevocationNoted',
    data: { personId, change, revoked: change % 2 === 1 },
  });

  it('are what identity found last, in whatever order and however often it is heard', () => {
    const heard = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.boolean()));
    fc.assert(
      fc.property(heard, (all) => {
        const notes: StandingEvent[] = [];
        for (const [change, isErased] of all) {
          notes.push(
            ...decideNotes(personId, notes, {
              revocation: { change, revoked: change % 2 === 1 },
              erased: isErased,
            }),
          );
        }
        const newest = Math.max(0, ...all.map(([change]) => change));
        expect(revocationOf(notes)).toMatchObject({ change: newest, revoked: newest % 2 === 1 });
        expect(notedOf(notes)).toEqual({
          withdrawnAt: null,
          revoked: newest % 2 === 1,
          erased: all.some(([, isErased]) => isErased),
        });
        expect(notes.filter(({ type }) => type === 'ErasureNoted').length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are none where identity says nothing, as one of an earlier release does', () => {
    expect(decideNotes(personId, [], {})).toEqual([]);
    expect(notedOf([note(2), note(1)])).toEqual(nothingNoted);
  });
});

describe('a claim that waits', () => {
  it.each<[string, Noted, string, string]>([
    ['revoked', revoked, 'ClaimRefused', 'identity_revoked'],
    ['erased', erased, 'ClaimCancelled', 'person_erased'],
    ['revoked and erased', { ...revoked, erased: true }, 'ClaimCancelled', 'person_erased'],
    ['revoked, and withdrew', { ...revoked, withdrawnAt: claimed }, 'ClaimCancelled', 'consent_withdrawn'],
  ])('ends when its person is %s', (_, noted, type, reason) => {
    const merged = state(heldFor, ...decideMerged(state(heldFor), later));
    expect(ends(decideNoted(state(heldFor), later, noted))).toEqual([[type, reason]]);
    expect(ends(decideNoted(state({}, ...refused), later, noted))).toEqual([[type, reason]]);
    expect(ends(decideRelease(state(heldFor), later, noted))).toEqual([[type, reason]]);
    expect(ends(decideSplit(merged, later, noted))).toEqual([[type, reason]]);
    expect(ends(decideAnswer(state({}), refusal, noted))).toEqual([
      ['ClaimRefused', 'fund_exhausted'],
      [type, reason],
    ]);
    const ended = state(heldFor, ...decideNoted(state(heldFor), later, noted));
    expect(decideNoted(ended, later, noted)).toEqual([]);
    expect(decideReopen(ended, later, noted)).toEqual([]);
    expect([ended.curable, isHeld(ended)]).toEqual([!noted.erased, false]);
  });

  it('does not wait where the ledger has it, or has refused it for good', () => {
    const final = { ...refusal, data: { ...refusal.data, curable: false } } as LedgerAnswer;
    for (const noted of [revoked, erased]) {
      expect(decideNoted(state({}), later, noted)).toEqual([]);
      expect(decideNoted(state({}, ...decideAnswer(state({}), final, noted)), later, noted)).toEqual([]);
    }
  });

  it('ends for the cause that takes longest to cure, and goes on when none is left', () => {
    const end = (claim: Entitlement, noted: Noted) => decideNoted(claim, later, noted);
    const once = end(state(heldFor), revoked);
    const twice = [...once, ...end(state(heldFor, ...once), { ...revoked, withdrawnAt: claimed })];
    expect(ends(twice)).toEqual([
      ['ClaimRefused', 'identity_revoked'],
      ['ClaimCancelled', 'consent_withdrawn'],
    ]);
    expect(end(state(heldFor, ...twice), { ...revoked, withdrawnAt: claimed })).toEqual([]);
    expect(decideReopen(state(heldFor, ...twice), later, withdrawn)).toEqual([]);
    const [again] = decideReopen(state(heldFor, ...once), later, nothingNoted);
    expect(again?.data).toEqual({ ...order, attempt: 2 });
  });
});

describe('deciding again what was recorded', () => {
  const measure = { measureId, ruleVersion: 1, name: 'From 15', amountPoints: 11_000, fundId };
  const expiry = { pointsExpireAt: null, pointsExpireAfterMonths: 6 };
  const eligibility = { minimumAge: 15 };
  const times = { opensAt: read, closesAt: '2027-04-01T00:00:00.000Z' };
  const campaign = [
    {
      type: 'CampaignDrafted',
      data: { campaignId, ownerId: 'demo', programmeId: 'default', name: 'Launch', dryRun: false, ...times },
      effectiveAt: read,
    },
    { type: 'RuleVersionPublished', data: { campaignId, ...measure, ...expiry, eligibility }, effectiveAt: read },
    { type: 'CampaignOpened', data: { campaignId }, effectiveAt: read },
  ] as unknown as Parameters<typeof decideAgain>[2]['campaign'];
  const isSame = (noted: Noted, ...events: readonly At<EntitlementEvent>[]) => {
    const history = events.map((event, revision) => ({ ...event, revision }));
    const last = history.at(-1);
    return last && decideAgain(history, last, { campaign, noted, answer: refusal })?.same;
  };

  it('gives the same claim and end, and finds what was read and not heeded', () => {
    const first = accepted(heldFor);
    for (const noted of [revoked, erased]) {
      const [end] = decideNoted(state(heldFor), later, noted);
      if (!end) throw new Error('it does not end');
      expect(isSame(noted, first)).toBe(true);
      expect(isSame(noted, accepted())).toBe(false);
      expect(isSame(noted, first, end)).toBe(true);
      expect(isSame(nothingNoted, first, end)).toBe(false);
    }
    const [end] = decideNoted(state(heldFor), later, revoked);
    const [reopened] = decideRelease(state(heldFor), later, nothingNoted);
    if (!end || !reopened) throw new Error('it does not go on');
    expect(isSame(nothingNoted, first, end, reopened)).toBe(true);
    expect(isSame(revoked, first, end, reopened)).toBe(false);
    expect(isSame(revoked, first, reopened)).toBe(false);
  });

  it('holds a first claim from the ledger whose person is revoked, without a review', () => {
    const command = {
      campaign: {
        campaignId,
        ownerId: 'demo',
        programmeId: 'default',
        name: 'Launch',
        dryRun: false,
        ...times,
        state: 'open',
        measures: [{ ...measure, ...expiry, eligibility }],
      } as unknown as Parameters<typeof decideClaim>[0]['campaign'],
      ...{ measureId, personId, claimId, receiptNumber: order.receiptNumber, answers: order.answers },
      ...{ underReview: false, at: claimed },
    };
    const dataOf = (noted: Noted) => {
      const decided = decideClaim({ ...command, noted });
      return decided.ok ? decided.value.data : decided.refusal;
    };
    expect(dataOf(nothingNoted)).toEqual(order);
    expect(dataOf(revoked)).toEqual({ ...order, ...heldFor });
    expect(dataOf(erased)).toEqual({ ...order, ...heldFor });
  });
});
