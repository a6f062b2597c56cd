import { schemaErrors } from '@tsunagu/contracts';
import { type ConsentEvent, consentStream, restOnWithdrawn, withdrawnUntil, withoutWithdrawn } from './consent.js';
import type { Answer } from './eligibility.js';
import {
  decideAnswer,
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
import { notedAsRead, nothingNoted } from './standing.js';
import { campaignId, claimId, fundId, measureId, orderOf, personId, refusalAt } from './test-claim.js';

const [read, claimed, withdrawnAt, readAgain, later] = [1, 2, 3, 4, 5].map(
  (second) => `2026-12-01T00:00:0${second}.000Z`,
) as [string, string, string, string, string];
const withdrawn = { ...nothingNoted, withdrawnAt };
const eligibility = { minimumAge: 15 };
const answer = (factReadAt: string | null, said: Answer['answer'] = 'yes'): Answer[] => [
  { rule: 'age', answer: said, factReadAt },
];
const noted = (at: string, revision: number) =>
  ({ type: 'WithdrawalNoted', data: { personId, withdrawnAt: at }, revision }) as const satisfies ConsentEvent & {
    revision: number;
  };

const order = orderOf(answer(read));
const refusal = refusalAt(later);

function state(of: Partial<GrantOrder>, ...events: readonly At<EntitlementEvent>[]): Entitlement {
  const accepted = { type: 'ClaimAccepted', data: { ...order, ...of }, effectiveAt: claimed } as const;
  return foldEntitlement([accepted, ...events]) as Entitlement;
}
const held = { heldFor: 'identity_review' } as const;
const withoutRules = { answers: [] };
const refused = decideAnswer(state({}), refusal, nothingNoted);
const ended = decideNoted(state({}, ...refused), later, withdrawn);

describe('facts', () => {
  it('are withdrawn up to the latest withdrawal, in whatever order they are noted', () => {
    expect(withdrawnUntil([])).toBeNull();
    expect(withdrawnUntil([noted(later, 0), noted(withdrawnAt, 1)])).toBe(later);
    const asRead = (revision: number) =>
      notedAsRead(
        [noted(withdrawnAt, 0), noted(later, 1)].map((note) => ({ ...note, stream: consentStream(personId) })),
        { [consentStream(personId)]: revision },
      ).withdrawnAt;
    expect([asRead(1), asRead(0), asRead(-1)]).toEqual([later, withdrawnAt, null]);
  });

  it.each<[string, readonly Answer[], string | null, boolean]>([
    ['read before it', answer(read), withdrawnAt, true],
    ['read at its very moment', answer(withdrawnAt), withdrawnAt, true],
    ['read after it', answer(readAgain), withdrawnAt, false],
    ['read at a time that nobody knows', answer(null), withdrawnAt, true],
    ['of which one was read before it', [...answer(readAgain), ...answer(read)], withdrawnAt, true],
    ['of a measure without rules', [], withdrawnAt, false],
    ['of a person who withdrew nothing', answer(null), null, false],
  ])('%s', (_, answers, at, isWithdrawn) => {
    expect(restOnWithdrawn(answers, at)).toBe(isWithdrawn);
    expect(withoutWithdrawn(answers, at).some((each) => each.answer === 'unknown')).toBe(isWithdrawn);
  });
});

describe('a withdrawal', () => {
  it('ends what waits for a review and what could be granted later, curably, and says so once', () => {
    for (const claim of [state(held), state({}, ...refused)]) {
      const [event, ...more] = decideNoted(claim, later, withdrawn);
      expect([event, more]).toEqual([
        {
          type: 'ClaimCancelled',
          data: { claimId, personId, measureId, reasonCode: 'consent_withdrawn', curable: true },
          effectiveAt: later,
        },
        [],
      ]);
    }
    const after = state({}, ...refused, ...ended);
    expect(after).toMatchObject({ state: 'cancelled', reasonCode: 'consent_withdrawn', curable: true });
    expect(decideNoted(after, later, { ...nothingNoted, withdrawnAt: later })).toEqual([]);
  });

  it.each<[string, Entitlement]>([
    ['is in the ledger', state({})],
    [
      'was refused for good',
      state(
        {},
        ...decideAnswer(
          state({}),
          { ...refusal, data: { ...refusal.data, curable: false } } as LedgerAnswer,
          nothingNoted,
        ),
      ),
    ],
    ['used no attributes', state({ ...held, ...withoutRules })],
    ['rests on what was read later', state({ ...held, answers: answer(readAgain) })],
  ])('leaves alone what %s', (_, claim) => {
    expect(decideNoted(claim, later, withdrawn)).toEqual([]);
  });

  it('turns a refusal that comes after it into its own end, but not a grant', () => {
    const events = decideAnswer(state({}), refusal, withdrawn);
    expect(events.map(({ type }) => type)).toEqual(['ClaimRefused', 'ClaimCancelled']);
    expect(decideAnswer(state({}, ...events), refusal, withdrawn)).toEqual([]);
    expect(decideAnswer(state(withoutRules), refusal, withdrawn)).toHaveLength(1);
    const {
      reasonCode: _,
      curable: __,
      ...ids
    } = refusal.data as Extract<LedgerAnswer, { type: 'GrantRefused' }>['data'];
    const data = { ...ids, campaignId, lotId: fundId, ownerId: 'demo', amountPoints: 11_000, grantedAt: later };
    const rest = { expiresAt: null, dryRun: false, legalClass: 'free' as const, usableFrom: null, batchId: null };
    const grant: LedgerAnswer = { type: 'PointsGranted', data: { ...data, ...rest }, effectiveAt: later };
    expect(decideAnswer(state({}), grant, withdrawn).map(({ type }) => type)).toEqual(['ClaimGranted']);
  });

  it('ends what a review or a split would let go on', () => {
    const merged = state(held, ...decideMerged(state(held), later));
    for (const [event] of [decideRelease(state(held), later, withdrawn), decideSplit(merged, later, withdrawn)]) {
      expect(event).toMatchObject({ type: 'ClaimCancelled', data: { reasonCode: 'consent_withdrawn', curable: true } });
    }
    expect(decideRelease(state(held), later, nothingNoted)[0]?.type).toBe('ClaimReopened');
    expect(decideMerged(state({}, ...refused, ...ended), later)[0]?.type).toBe('ClaimCancelled');
  });
});

describe('a claim that a withdrawal ended', () => {
  const claim = state({}, ...refused, ...ended);
  const reopen = (answers: readonly Answer[], at: string | null = withdrawnAt) =>
    decideReopen(claim, later, { ...nothingNoted, withdrawnAt: at }, { eligibility, answers });

  it('goes on with what was read since, under the same claim and receipt, as published', () => {
    const [event] = reopen(answer(readAgain));
    expect(event?.data).toEqual({ ...order, attempt: 2, answers: answer(readAgain) });
    expect(schemaErrors('ClaimReopened', 1, event?.data)).toEqual([]);
    const after = state({}, ...refused, ...ended, ...reopen(answer(readAgain)));
    expect(after).toMatchObject({ state: 'accepted', reasonCode: null, curable: false, decidedAt: null });
    expect(isHeld(after)).toBe(false);
  });

  it.each<[string, readonly Answer[], string]>([
    ['nothing is known', [], withdrawnAt],
    ['nothing was read since', answer(read), withdrawnAt],
    ['what was read since does not fit', answer(readAgain, 'no'), withdrawnAt],
    ['that was withdrawn as well', answer(readAgain), later],
  ])('stays ended while %s', (_, answers, at) => {
    expect(reopen(answers, at)).toEqual([]);
  });

  it('is not reopened by who did not ask identity', () => {
    expect(decideReopen(claim, later, withdrawn)).toEqual([]);
    expect(decideReopen(state({}, ...refused), later, nothingNoted)).toHaveLength(1);
  });
});

describe('deciding again what was recorded', () => {
  const campaign = [
    {
      type: 'CampaignDrafted',
      data: {
        campaignId,
        ownerId: 'demo',
        programmeId: 'default',
        name: 'Launch',
        opensAt: read,
        closesAt: later,
        dryRun: false,
      },
      effectiveAt: read,
    },
    {
      type: 'RuleVersionPublished',
      data: { campaignId, measureId, ruleVersion: 1, name: 'From 15', ...measure() },
      effectiveAt: read,
    },
  ] as unknown as Parameters<typeof decideAgain>[2]['campaign'];
  function measure() {
    return { amountPoints: 11_000, fundId, eligibility, pointsExpireAt: null, pointsExpireAfterMonths: 6 };
  }
  const accepted = { type: 'ClaimAccepted', data: order, effectiveAt: claimed } as const;
  const history = (...events: readonly At<EntitlementEvent>[]) =>
    [accepted, ...events].map((event, revision) => ({ ...event, revision }));
  const again = (events: ReturnType<typeof history>, at: string | null) => {
    const last = events.at(-1);
    return (
      last && decideAgain(events, last, { campaign, noted: { ...nothingNoted, withdrawnAt: at }, answer: refusal })
    );
  };

  it('gives the same end and the same reopening', () => {
    const reopened = decideReopen(state({}, ...refused, ...ended), later, withdrawn, {
      eligibility,
      answers: answer(readAgain),
    });
    expect(again(history(...refused, ...ended), withdrawnAt)).toMatchObject({ same: true });
    expect(again(history(...refused, ...ended, ...reopened), withdrawnAt)).toMatchObject({ same: true });
  });

  it('finds an end that no withdrawal led to, and a reopening on what was withdrawn', () => {
    expect(again(history(...refused, ...ended), null)).toMatchObject({ same: false });
    const wrong = decideReopen(state({}, ...refused), later, nothingNoted);
    expect(again(history(...refused, ...wrong), null)).toMatchObject({ same: true });
    expect(again(history(...refused, ...wrong), withdrawnAt)).toMatchObject({ same: false });
    expect(again(history(...refused, ...ended, ...wrong), withdrawnAt)).toMatchObject({ same: false });
  });
});
