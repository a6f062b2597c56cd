import { schemaErrors } from '@tsunagu/contracts';
import fc from 'fast-check';
import { type Campaign, type CampaignEvent, decideDraft, decideTransition, fold } from './campaign.js';
import type { Answer } from './eligibility.js';
import * as deciding from './entitlement.js';
import {
  type ClaimCommand,
  decideClaim,
  decideMerged,
  type Entitlement,
  type EntitlementEvent,
  evolve,
  foldEntitlement,
  isHeld,
  type LedgerAnswer,
} from './entitlement.js';
import { receiptNumber } from './receipt.js';
import * as replay from './replay.js';
import type { At } from './stamped.js';
import { nothingNoted } from './standing.js';

// Nothing is noted here: what a withdrawal changes stands in consent.unit.spec, the rest in standing.unit.spec.
const decideAnswer = (now: Entitlement, answer: LedgerAnswer) => deciding.decideAnswer(now, answer, nothingNoted);
const decideReopen = (now: Entitlement, at: string) => deciding.decideReopen(now, at, nothingNoted);
const decideRelease = (now: Entitlement, at: string) => deciding.decideRelease(now, at, nothingNoted);
const decideSplit = (now: Entitlement, at: string) => deciding.decideSplit(now, at, nothingNoted);
const decideClaimAgain = (events: readonly CampaignEvent[], claim: Parameters<typeof replay.decideClaimAgain>[1]) =>
  replay.decideClaimAgain(events, claim, nothingNoted);

const personId = '019ab3f0-6c00-7000-8000-000000000001';
const claimId = '019ab3f0-6c00-7000-8000-0000000000c1';
const measureId = '019ab3f0-6c00-7000-8000-0000000000e1';
const fundId = '019ab3f0-6c00-7000-8000-0000000000f1';
const campaignId = '019ab3f0-6c00-7000-8000-0000000000d1';
const lotId = '019ab3f0-6c00-8000-8000-0000000000b1';
const [drafted, opened, claimed, closed] = [
  '2026-11-20T00:00:00.000Z',
  '2026-12-01T00:00:00.000Z',
  '2026-12-01T00:00:01.000Z',
  '2027-04-01T00:00:00.000Z',
];
const yes: Answer = { rule: 'age', answer: 'yes', factReadAt: drafted };

const draft = decideDraft(
  {
    campaignId,
    ownerId: 'demo',
    programmeId: 'default',
    name: 'Launch',
    opensAt: opened,
    closesAt: closed,
    dryRun: false,
  },
  [
    {
      measureId,
      name: 'From 15',
      amountPoints: 11_000,
      fundId,
      eligibility: { minimumAge: 15 },
      pointsExpireAt: null,
      pointsExpireAfterMonths: 6,
    },
  ],
  drafted,
);

function campaign(...transitions: ('open' | 'pause' | 'close')[]): Campaign {
  const events = [...draft];
  for (const transition of transitions) {
    const decided = decideTransition(fold(events) as Campaign, transition, opened);
    if (decided.ok) events.push(...decided.value);
  }
  return fold(events) as Campaign;
}

function command(more: Partial<ClaimCommand> = {}): ClaimCommand {
  const receipt = receiptNumber(claimId);
  return {
    campaign: campaign('open'),
    measureId,
    personId,
    claimId,
    receiptNumber: receipt,
    answers: [yes],
    noted: nothingNoted,
    underReview: false,
    at: claimed,
    ...more,
  };
}

function accepted() {
  const decided = decideClaim(command());
  if (!decided.ok) throw new Error(decided.refusal.code);
  return decided.value;
}

function granted(attempt: number, at = claimed): LedgerAnswer {
  const { programmeId: _, ...order } = { programmeId: '', claimId, personId, campaignId, measureId, fundId, lotId };
  const data = {
    ...order,
    ownerId: 'demo',
    amountPoints: 11_000,
    attempt,
    grantedAt: at,
    expiresAt: null,
    dryRun: false,
    legalClass: 'free' as const,
    usableFrom: null,
    batchId: null,
  };
  return { type: 'PointsGranted', data, effectiveAt: at };
}

function refused(attempt: number, curable = true, at = claimed): LedgerAnswer {
  const data = { claimId, personId, measureId, fundId, attempt, reasonCode: 'fund_exhausted', curable };
  return { type: 'GrantRefused', data, effectiveAt: at };
}

function state(...events: readonly At<EntitlementEvent>[]): Entitlement {
  return foldEntitlement([accepted(), ...events]) as Entitlement;
}

describe('a first claim', () => {
  it('is accepted with the order for the ledger, as published', () => {
    const { type, data } = accepted();
    expect(schemaErrors(type, 1, data)).toEqual([]);
    expect(data).toMatchObject({
      claimId,
      amountPoints: 11_000,
      ruleVersion: 1,
      attempt: 1,
      answers: [yes],
      dryRun: false,
    });
    expect(state()).toMatchObject({ state: 'accepted', acceptedAt: claimed, decidedAt: null });
  });

  it.each<[string, Partial<ClaimCommand>, string]>([
    ['a measure of another campaign', { measureId: lotId }, 'request.not_found'],
    ['a draft', { campaign: campaign() }, 'campaign.not_open'],
    ['before opening', { at: drafted }, 'campaign.not_open'],
    ['at the closing time', { at: closed }, 'campaign.not_open'],
    ['a closed campaign', { campaign: campaign('open', 'close') }, 'campaign.not_open'],
    ['a paused campaign', { campaign: campaign('open', 'pause') }, 'campaign.paused'],
    ['an age below the minimum', { answers: [{ ...yes, answer: 'no' }] }, 'campaign.not_eligible'],
    ['an unknown age', { answers: [] }, 'campaign.not_eligible'],
  ])('is refused for %s', (_, more, code) => {
    expect(decideClaim(command(more))).toMatchObject({ ok: false, refusal: { code } });
  });

  it('says when the campaign opens, and when to ask again', () => {
    expect(decideClaim(command({ at: drafted }))).toMatchObject({ refusal: { extensions: { opensAt: opened } } });
    expect(decideClaim(command({ campaign: campaign('open', 'pause') }))).toMatchObject({
      refusal: { retryAfterSeconds: 60 },
    });
  });

  it('is the same when it is decided again from what was recorded, and another one is found out', () => {
    const events = [...draft];
    const open = decideTransition(fold(events) as Campaign, 'open', opened);
    if (open.ok) events.push(...open.value);
    expect(decideClaimAgain(events, accepted())).toEqual({ outcome: 'accepted', code: null, same: true });
    const { data, ...rest } = accepted();
    expect(decideClaimAgain(events, { ...rest, data: { ...data, amountPoints: 12_000 } }).same).toBe(false);
    const unknown = { ...data, answers: [{ ...yes, answer: 'unknown' as const }] };
    expect(decideClaimAgain(events, { ...rest, data: unknown })).toEqual({
      outcome: 'refused',
      code: 'campaign.not_eligible',
      same: false,
    });
    expect(decideClaimAgain([], accepted()).same).toBe(false);
  });
});

describe("the ledger's answer", () => {
  it('grants', () => {
    const [event] = decideAnswer(state(), granted(1, opened));
    expect(event).toEqual({
      type: 'ClaimGranted',
      data: { claimId, personId, measureId, attempt: 1, lotId },
      effectiveAt: opened,
    });
  });

  it('refuses with its reason', () => {
    const after = state(...decideAnswer(state(), refused(1)));
    expect(after).toMatchObject({ state: 'refused', reasonCode: 'fund_exhausted', curable: true, decidedAt: claimed });
  });

  it('is for one claim only', () => {
    const { data } = granted(1) as Extract<LedgerAnswer, { type: 'PointsGranted' }>;
    const other: LedgerAnswer = { type: 'PointsGranted', data: { ...data, claimId: lotId }, effectiveAt: claimed };
    expect(decideAnswer(state(), other)).toEqual([]);
  });

  it('counts for the present attempt when it refuses, for any when it grants', () => {
    const once = decideAnswer(state(), refused(1));
    const reopened = [...once, ...decideReopen(state(...once), closed)];
    expect(state(...reopened)).toMatchObject({
      state: 'accepted',
      order: { attempt: 2 },
      askedAt: closed,
      reasonCode: null,
    });
    expect(decideAnswer(state(...reopened), refused(1))).toEqual([]);
    expect(decideAnswer(state(...reopened), refused(2))).toHaveLength(1);
    expect(decideAnswer(state(...reopened), granted(1))).toHaveLength(1);
  });
});

describe('reopening', () => {
  it('keeps claim, receipt and order, and is published', () => {
    const once = decideAnswer(state(), refused(1));
    const [event] = decideReopen(state(...once), closed);
    expect(event && schemaErrors(event.type, 1, event.data)).toEqual([]);
    expect(event?.data).toEqual({ ...accepted().data, attempt: 2 });
  });

  it('is for curable refusals only', () => {
    expect(decideReopen(state(), closed)).toEqual([]);
    expect(decideReopen(state(...decideAnswer(state(), granted(1))), closed)).toEqual([]);
    expect(decideReopen(state(...decideAnswer(state(), refused(1, false))), closed)).toEqual([]);
  });
});

describe('a claim of a person whom identity looks at', () => {
  function held(...events: readonly At<EntitlementEvent>[]): Entitlement {
    const decided = decideClaim(command({ underReview: true }));
    if (!decided.ok) throw new Error(decided.refusal.code);
    expect(schemaErrors('ClaimAccepted', 1, decided.value.data)).toEqual([]);
    return foldEntitlement([decided.value, ...events]) as Entitlement;
  }

  it('is accepted and waits; deciding again from what was recorded gives the same', () => {
    expect([isHeld(held()), held().state, isHeld(state())]).toEqual([true, 'accepted', false]);
    const events: CampaignEvent[] = [...draft];
    const open = decideTransition(fold(events) as Campaign, 'open', opened);
    if (open.ok) events.push(...open.value);
    const recorded = { type: 'ClaimAccepted', data: held().order, effectiveAt: claimed } as const;
    expect(decideClaimAgain(events, recorded)).toEqual({ outcome: 'accepted', code: null, same: true });
    const { heldFor: _, ...data } = held().order;
    expect(decideClaimAgain(events, { ...recorded, data })).toEqual({ outcome: 'accepted', code: null, same: true });
  });

  it('goes to the ledger once when it is released, as a reopened claim that is not held', () => {
    const [event] = decideRelease(held(), closed);
    expect(event && schemaErrors('ClaimReopened', 1, event.data)).toEqual([]);
    expect(event?.data).toEqual({ ...accepted().data, attempt: 2 });
    const after = held(...decideRelease(held(), closed));
    expect([isHeld(after), after.state, after.askedAt]).toEqual([false, 'accepted', closed]);
    expect(decideRelease(after, closed)).toEqual([]);
    expect(decideRelease(state(), closed)).toEqual([]);
  });

  it('ends by a merge and goes on after a split', () => {
    const merged = held(...decideMerged(held(), closed));
    expect(merged).toMatchObject({ state: 'cancelled', reasonCode: 'persons_merged' });
    expect([decideMerged(merged, closed), decideRelease(merged, closed)]).toEqual([[], []]);
    const split = foldEntitlement([
      ...[decideClaim(command({ underReview: true }))].flatMap((each) => (each.ok ? [each.value] : [])),
      ...decideMerged(held(), closed),
      ...decideSplit(merged, closed),
    ]);
    expect(split).toMatchObject({ state: 'accepted', order: { ...accepted().data, attempt: 2 } });
  });

  it('is left alone by a merge where the ledger has it, or has granted it', () => {
    const curable = state(...decideAnswer(state(), refused(1)));
    expect(decideMerged(state(), closed)).toEqual([]);
    expect(decideMerged(state(...decideAnswer(state(), granted(1))), closed)).toEqual([]);
    expect(decideMerged(curable, closed)).toHaveLength(1);
    expect([decideSplit(state(), closed), decideSplit(curable, closed)]).toEqual([[], []]);
  });
});

describe('any history of answers and reopenings', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('granted' as const), attempt: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      kind: fc.constant('refused' as const),
      attempt: fc.integer({ min: 1, max: 4 }),
      curable: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('reopen' as const) }),
  );

  it('grants at most once, never leaves granted, keeps claim and receipt, and takes every answer once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let entitlement = state();
        let grants = 0;
        for (const each of steps) {
          const decide = (now: Entitlement) => {
            if (each.kind === 'reopen') return decideReopen(now, claimed);
            return decideAnswer(
              now,
              each.kind === 'granted' ? granted(each.attempt) : refused(each.attempt, each.curable),
            );
          };
          const events = decide(entitlement);
          const was = entitlement.state;
          entitlement = events.reduce(evolve, entitlement);
          grants += events.filter(({ type }) => type === 'ClaimGranted').length;
          expect(decide(entitlement)).toEqual([]);
          if (was === 'granted') expect(events).toEqual([]);
          expect(entitlement.order).toEqual({ ...accepted().data, attempt: entitlement.order.attempt });
          expect(entitlement.reasonCode === null).toBe(entitlement.state !== 'refused');
          expect(entitlement.decidedAt === null).toBe(entitlement.state === 'accepted');
        }
        expect(grants).toBeLessThanOrEqual(1);
        expect(entitlement.state === 'granted').toBe(grants === 1);
      }),
    );
  });
});
