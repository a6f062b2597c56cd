import fc from 'fast-check';
import {
  type Campaign,
  type CampaignEvent,
  type CampaignFacts,
  clockEvents,
  decideDraft,
  decideTransition,
  evolve,
  fold,
  type Measure,
  stateAt,
  type Transition,
} from './campaign.js';

const facts: CampaignFacts = {
  campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
  ownerId: 'demo',
  programmeId: 'default',
  name: 'Launch',
  opensAt: '2026-12-01T04:00:00.000Z',
  closesAt: '2027-04-01T00:00:00.000Z',
  dryRun: false,
};
const measure: Omit<Measure, 'ruleVersion'> = {
  measureId: '019ab3f0-6c00-7000-8000-0000000000e1',
  name: 'For everybody',
  amountPoints: 11_000,
  fundId: '019ab3f0-6c00-7000-8000-0000000000f1',
  eligibility: null,
  pointsExpireAt: null,
  pointsExpireAfterMonths: 6,
};
const [before, opening, during, closing] = [
  '2026-11-20T00:00:00.000Z',
  facts.opensAt,
  '2027-01-01T00:00:00.000Z',
  facts.closesAt,
];

function drafted(): Campaign {
  const campaign = fold(decideDraft(facts, [measure], before));
  if (!campaign) throw new Error('no campaign');
  return campaign;
}

/** The campaign after transitions at their times; undefined as soon as one is refused. */
function after(...steps: readonly (readonly [Transition, string])[]): Campaign | undefined {
  let campaign: Campaign | undefined = drafted();
  for (const [transition, at] of steps) {
    const decided = decideTransition(campaign, transition, at);
    if (!decided.ok) return undefined;
    campaign = decided.value.reduce<Campaign>(evolve, campaign);
  }
  return campaign;
}

describe('a campaign', () => {
  it('starts as a draft with version 1 of each rule', () => {
    expect(drafted()).toEqual({ ...facts, state: 'draft', measures: [{ ...measure, ruleVersion: 1 }] });
  });

  it('opens at once within its window and is scheduled before it', () => {
    expect(after(['open', during])?.state).toBe('open');
    expect(after(['open', before])?.state).toBe('scheduled');
  });

  it('goes open ⇄ paused → closed', () => {
    expect(after(['open', during], ['pause', during])?.state).toBe('paused');
    expect(after(['open', during], ['pause', during], ['resume', during])?.state).toBe('open');
    expect(after(['open', during], ['pause', during], ['close', during])?.state).toBe('closed');
    expect(after(['open', during], ['close', during])?.state).toBe('closed');
  });

  it.each<[string, [Transition, string][]]>([
    ['pausing a draft', [['pause', during]]],
    ['resuming a draft', [['resume', during]]],
    ['closing a draft', [['close', during]]],
    ['opening a draft whose time is over', [['open', closing]]],
    [
      'opening twice',
      [
        ['open', during],
        ['open', during],
      ],
    ],
    [
      'opening a scheduled one again',
      [
        ['open', before],
        ['open', during],
      ],
    ],
    [
      'pausing before it opens',
      [
        ['open', before],
        ['pause', before],
      ],
    ],
    [
      'closing before it opens',
      [
        ['open', before],
        ['close', before],
      ],
    ],
    [
      'resuming what runs',
      [
        ['open', during],
        ['resume', during],
      ],
    ],
    [
      'pausing twice',
      [
        ['open', during],
        ['pause', during],
        ['pause', during],
      ],
    ],
    [
      'resuming after the closing time',
      [
        ['open', during],
        ['pause', during],
        ['resume', closing],
      ],
    ],
    [
      'closing twice',
      [
        ['open', during],
        ['close', during],
        ['close', during],
      ],
    ],
    [
      'opening a closed one',
      [
        ['open', during],
        ['close', during],
        ['open', during],
      ],
    ],
  ])('refuses %s', (_, steps) => expect(after(...steps)).toBeUndefined());

  it('names the state in a refusal', () => {
    expect(decideTransition(drafted(), 'pause', during)).toMatchObject({
      ok: false,
      refusal: { code: 'campaign.wrong_state', extensions: { state: 'draft' } },
    });
  });

  it('opens and closes by the clock, whether or not anybody recorded it', () => {
    const scheduled = after(['open', before]);
    if (!scheduled) throw new Error('not scheduled');
    expect(stateAt(scheduled, before)).toBe('scheduled');
    expect(stateAt(scheduled, opening)).toBe('open');
    expect(stateAt(scheduled, '2027-03-31T23:59:59.999Z')).toBe('open');
    expect(stateAt(scheduled, closing)).toBe('closed');
    expect(clockEvents(scheduled, closing).map(({ type, effectiveAt }) => [type, effectiveAt])).toEqual([
      ['CampaignOpened', opening],
      ['CampaignClosed', closing],
    ]);
  });

  it('records the opening by the clock before what staff do next', () => {
    const scheduled = after(['open', before]);
    const decided = scheduled && decideTransition(scheduled, 'pause', during);
    expect(decided?.ok && decided.value.map((event) => [event.type, 'by' in event.data && event.data.by])).toEqual([
      ['CampaignOpened', 'clock'],
      ['CampaignPaused', 'staff'],
    ]);
  });

  const transitions = fc.constantFrom<Transition>('open', 'pause', 'resume', 'close');
  const steps = fc.array(fc.tuple(transitions, fc.integer({ min: 0, max: 200 })), { maxLength: 25 });
  const dayAt = (day: number) => new Date(Date.parse(before) + day * 86_400_000).toISOString();

  it('is never open outside its window and never leaves closed, whatever is tried', () => {
    fc.assert(
      fc.property(steps, (tried) => {
        const allowed: Readonly<Record<string, readonly string[]>> = {
          draft: ['scheduled', 'open'],
          scheduled: ['open', 'closed'],
          open: ['paused', 'closed'],
          paused: ['open', 'closed'],
          closed: [],
        };
        let campaign = drafted();
        for (const [transition, day] of [...tried].sort(([, a], [, b]) => a - b)) {
          const at = dayAt(day);
          const was = stateAt(campaign, at);
          const decided = decideTransition(campaign, transition, at);
          if (!decided.ok) continue;
          campaign = decided.value.reduce<Campaign>(evolve, campaign);
          expect(allowed[was]).toContain(stateAt(campaign, at));
          if (stateAt(campaign, at) === 'open') {
            expect(at >= facts.opensAt && at < facts.closesAt).toBe(true);
          }
        }
      }),
    );
  });

  it('is the same whether the clock was followed daily or not at all', () => {
    fc.assert(
      fc.property(steps, (tried) => {
        const run = (follow: boolean) => {
          const events: CampaignEvent[] = [...decideDraft(facts, [measure], before)];
          const state = () => fold(events) as Campaign;
          for (const [transition, day] of [...tried].sort(([, a], [, b]) => a - b)) {
            if (follow) events.push(...clockEvents(state(), dayAt(day)));
            const decided = decideTransition(state(), transition, dayAt(day));
            if (decided.ok) events.push(...decided.value);
          }
          events.push(...clockEvents(state(), dayAt(200)));
          return events;
        };
        expect(run(true)).toEqual(run(false));
      }),
    );
  });
});
