import { type CampaignBody, draftErrors, draftOf } from './campaign-draft.js';
import { isInstant } from './formats.js';

const body: CampaignBody = {
  name: 'Launch',
  opensAt: '2026-12-01T13:00:00+09:00',
  closesAt: '2027-04-01T00:00:00+09:00',
  measures: [{ name: 'For everybody', amountPoints: 11_000, fundId: '019ab3f0-6c00-7000-8000-0000000000f1' }],
};
const campaignId = '019ab3f0-6c00-7000-8000-0000000000d1';

function withMeasure(more: Partial<CampaignBody['measures'][number]>): CampaignBody {
  return { ...body, measures: body.measures.map((measure) => ({ ...measure, ...more })) };
}

describe('a draft', () => {
  it('takes defaults, stamps in UTC, and measure ids that follow from its own', () => {
    const { facts, measures } = draftOf(body, campaignId, 'demo');
    expect(facts).toMatchObject({ programmeId: 'default', dryRun: false, opensAt: '2026-12-01T04:00:00.000Z' });
    expect(measures).toEqual(draftOf(body, campaignId, 'demo').measures);
    expect(measures[0]).toMatchObject({ eligibility: null, pointsExpireAt: null, pointsExpireAfterMonths: null });
  });

  it('keeps only the eligibility members that were given', () => {
    const eligible = (eligibility: CampaignBody['measures'][number]['eligibility']) =>
      draftOf(withMeasure({ eligibility: eligibility ?? null }), campaignId, 'demo').measures[0]?.eligibility;
    expect(eligible({ minimumAge: 0, ageAsOf: null })).toEqual({ minimumAge: 0 });
    expect(eligible({})).toBeNull();
    expect(eligible(null)).toBeNull();
  });

  it.each<[string, CampaignBody, string | undefined]>([
    ['a plain one', body, undefined],
    ['closing as it opens', { ...body, closesAt: body.opensAt }, 'closesAt'],
    [
      'two expiries',
      withMeasure({ pointsExpireAt: body.closesAt, pointsExpireAfterMonths: 6 }),
      'measures.0.pointsExpireAfterMonths',
    ],
    ['an expiry before it opens', withMeasure({ pointsExpireAt: '2026-11-30T00:00:00Z' }), 'measures.0.pointsExpireAt'],
    [
      'an age day without an age',
      withMeasure({ eligibility: { ageAsOf: '2027-04-01' } }),
      'measures.0.eligibility.ageAsOf',
    ],
    [
      'a residence day without an area',
      withMeasure({ eligibility: { residentAsOf: '2027-04-01' } }),
      'measures.0.eligibility.residentAsOf',
    ],
  ])('%s', (_, given, field) => expect(draftErrors(given)[0]?.field).toBe(field));
});

describe('formats', () => {
  it.each(['2026-12-01T13:00:00+09:00', '2026-12-01T13:00Z', '2028-02-29T23:59:59.999Z'])('%s is a time', (text) =>
    expect(isInstant(text)).toBe(true),
  );
  it.each([
    '2026-12-01T13:00:00',
    '2026-12-01',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-12-01T24:00:00Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-05:00',
    '+012026-12-01T00:00:00Z',
    1_763_600_000_000,
    null,
  ])('%s is not', (text) => expect(isInstant(text)).toBe(false));
});
