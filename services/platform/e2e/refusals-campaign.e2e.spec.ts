import { isoTime } from '@tsunagu/kernel';
import { type ClaimAnswer, claim, claimEnd, launchCampaign } from './launch.js';
import { People, refusal } from './people.js';
import { PlatformProcess } from './platform-process.js';

const MINUTE_MS = 60_000;
const UNKNOWN_ID = '019ab3f0-6c00-7000-8000-000000000001';

interface Campaign {
  readonly campaignId: string;
  readonly state: string;
  readonly measures: readonly { readonly measureId: string }[];
}

describe('what campaigns, claims and funds refuse, and how it is cured', () => {
  let platform: PlatformProcess;
  let people: People;
  let operator: string;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    operator = await people.staff('operator');
  }, 90_000);
  afterAll(() => platform.remove());

  const call = (method: string, path: string, token: string, body?: unknown) =>
    platform.api.call(method, path, { token, ...(body !== undefined && { body }) });
  const fund = (body: Record<string, unknown> = {}, token = operator) =>
    platform.api
      .expect<{ fundId: string }>(201, 'POST', '/point-ledger/v1/funds', {
        token,
        body: { name: 'Fund', amountPoints: 100_000, fiscalYear: 2026, ...body },
      })
      .then(({ fundId }) => fundId);
  const drafted = async (
    fundId: string,
    { measure = {}, opensInMs = -MINUTE_MS, ...facts }: { measure?: object; opensInMs?: number; dryRun?: boolean } = {},
  ) => {
    const nowMs = await people.nowMs();
    return platform.api.call<Campaign>('POST', '/campaign/v1/campaigns', {
      token: operator,
      body: {
        name: 'Campaign',
        opensAt: isoTime(nowMs + opensInMs),
        closesAt: isoTime(nowMs + 600 * MINUTE_MS),
        measures: [{ name: 'Measure', amountPoints: 1_000, fundId, ...measure }],
        ...facts,
      },
    });
  };
  const turn = (campaignId: string, verb: string) =>
    call('POST', `/campaign/v1/campaigns/${campaignId}/${verb}`, operator);
  const claimed = ({ campaignId, measures }: Campaign, token: string) =>
    claim(platform.api, { fundId: '', campaignId, measureId: measures[0]?.measureId ?? '' }, token);
  const account = (token: string) =>
    platform.api.expect<{ availablePoints: number; lots: unknown[] }>(200, 'GET', '/point-ledger/v1/accounts/me', {
      token,
    });

  it('409 campaign.wrong_state, and the states in between', async () => {
    const { body: campaign } = await drafted(await fund());
    const refused = async (verb: string) => refusal(await turn(campaign.campaignId, verb));
    for (const verb of ['pause', 'resume']) expect(await refused(verb)).toBe('409 campaign.wrong_state');
    expect(await turn(campaign.campaignId, 'open')).toMatchObject({ status: 200, body: { state: 'open' } });
    for (const verb of ['open', 'resume']) expect(await refused(verb)).toBe('409 campaign.wrong_state');
    expect(await turn(campaign.campaignId, 'pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    for (const verb of ['open', 'pause']) expect(await refused(verb)).toBe('409 campaign.wrong_state');
    expect(await turn(campaign.campaignId, 'close')).toMatchObject({ status: 200, body: { state: 'closed' } });
    for (const verb of ['open', 'pause', 'resume']) expect(await refused(verb)).toBe('409 campaign.wrong_state');
  });

  it('409 campaign.not_open and campaign.paused; a claim that stands answers 200 all the same', async () => {
    const { body: campaign } = await drafted(await fund());
    const [first = '', second = ''] = await people.citizens(2);
    const draft = await claimed(campaign, first);
    expect(refusal(draft)).toBe('409 campaign.not_open');
    expect(draft.body).toHaveProperty('opensAt');
    await turn(campaign.campaignId, 'open');
    const receipt = await claimed(campaign, first);
    expect(receipt.status).toBe(202);

    await turn(campaign.campaignId, 'pause');
    const paused = await claimed(campaign, second);
    expect(refusal(paused)).toBe('409 campaign.paused');
    expect((paused.body as { retryAfterSeconds?: number }).retryAfterSeconds).toBeGreaterThan(0);
    await turn(campaign.campaignId, 'close');
    expect(refusal(await claimed(campaign, second))).toBe('409 campaign.not_open');
    const again = await claimed(campaign, first);
    expect(again).toMatchObject({
      status: 200,
      body: { claimId: receipt.body.claimId, receipt: receipt.body.receipt },
    });
  });

  it('403 campaign.not_eligible says which rule and why', async () => {
    const eligibility = { minimumAge: 18, ageAsOf: '2026-11-01', residencePrefixes: ['13'] };
    const { body: campaign } = await drafted(await fund(), { measure: { eligibility } });
    await turn(campaign.campaignId, 'open');
    const errors = async (token: string) => {
      const answer = await claimed(campaign, token);
      expect(refusal(answer)).toBe('403 campaign.not_eligible');
      const found = (answer.body as unknown as { errors: { field: string; code: string }[] }).errors;
      return found.map(({ field, code }) => `${field}: ${code}`).sort();
    };
    expect(await errors(await people.citizen({ birthDate: '2015-05-05' }))).toEqual(['age: below_minimum']);
    expect(await errors(await people.citizen({ residence: '27100' }))).toEqual(['residence: outside']);
    expect(await errors(await people.citizen({ birthDate: '2015-05-05', residence: '27100' }))).toEqual([
      'age: below_minimum',
      'residence: outside',
    ]);
    // A card whose attributes were not read: nothing is known, and reading them cures it.
    const card = await people.card();
    const { body: session } = await people.signIn(card);
    expect(await errors(session.accessToken)).toEqual(['age: unknown', 'residence: unknown']);
    await people.signIn(card, { attributesOf: card });
    expect((await claimed(campaign, session.accessToken)).status).toBe(202);
    // Born on 2 November 2008: of age at the end of 1 November 2026.
    expect((await claimed(campaign, await people.citizen({ birthDate: '2008-11-02' }))).status).toBe(202);
    expect(await errors(await people.citizen({ birthDate: '2008-11-03' }))).toEqual(['age: below_minimum']);
  });

  it('422 campaign.fund_mismatch: no such fund, another owner’s, or one of the other kind', async () => {
    const theirs = await fund({}, await people.staff('operator', { ownerId: 'other-city' }));
    const [real, dry] = [await fund(), await fund({ dryRun: true })];
    for (const [fundId, dryRun] of [
      [UNKNOWN_ID, false],
      ['no-id', false],
      [theirs, false],
      [dry, false],
      [real, true],
    ] as const) {
      const answer = await drafted(fundId, { dryRun });
      expect(refusal(answer)).toBe('422 campaign.fund_mismatch');
      expect(answer.body).toMatchObject({ errors: [{ field: 'measures.0.fundId' }] });
    }
    const programme = { programmeId: 'twice', name: 'P', providersPerPerson: 'one', linkConfirmation: 'none' };
    expect((await call('POST', '/campaign/v1/programmes', operator, programme)).status).toBe(201);
    const again = await call('POST', '/campaign/v1/programmes', operator, { ...programme, name: 'Q' });
    expect(refusal(again)).toBe('409 campaign.programme_exists');
    const unknown = await drafted(real, { programmeId: 'nobody-s' } as object);
    expect(refusal(unknown)).toBe('422 campaign.programme_unknown');
  });

  it('404 for what is not there and for what is another person’s', async () => {
    const launched = await launchCampaign(platform.api, operator, { fundPoints: 10, amountPoints: 1 });
    const [owner = '', other = ''] = await people.citizens(2);
    const { body: mine } = await claim(platform.api, launched, owner);
    const { campaignId } = launched;
    const missing = '404 request.not_found';
    expect(refusal(await claim(platform.api, { ...launched, campaignId: UNKNOWN_ID }, owner))).toBe(missing);
    expect(refusal(await claim(platform.api, { ...launched, campaignId: 'x' }, owner))).toBe(missing);
    expect(refusal(await claim(platform.api, { ...launched, measureId: UNKNOWN_ID }, owner))).toBe(missing);
    expect(refusal(await call('GET', `/campaign/v1/claims/${mine.claimId}`, other))).toBe(missing);
    const stranger = await people.staff('support', { ownerId: 'other-city' });
    expect(refusal(await call('GET', `/campaign/v1/claims/${mine.claimId}`, stranger))).toBe(missing);
    expect(refusal(await call('GET', `/campaign/v1/claims/${UNKNOWN_ID}`, owner))).toBe(missing);
    for (const path of [`campaigns/${UNKNOWN_ID}`, 'campaigns/x', 'programmes/nobody-s']) {
      expect(refusal(await call('GET', `/campaign/v1/${path}`, owner))).toBe(missing);
    }
    expect(refusal(await call('POST', `/campaign/v1/campaigns/${UNKNOWN_ID}/open`, operator))).toBe(missing);
    expect(
      refusal(await call('POST', `/point-ledger/v1/funds/${UNKNOWN_ID}/raises`, operator, { amountPoints: 1 })),
    ).toBe(missing);
    expect(refusal(await call('GET', '/point-ledger/v1/funds/x', operator))).toBe(missing);
    // Support finds the claim by its receipt, another owner's support does not.
    const byReceipt = `/campaign/v1/claims?receipt=${mine.receipt.number}`;
    const found = await call('GET', byReceipt, await people.staff('support'));
    expect(found.body).toMatchObject({ claims: [{ claimId: mine.claimId, campaignId }] });
    expect((await call('GET', byReceipt, stranger)).body).toEqual({ claims: [] });
  });

  it('a raise cures fund_exhausted: by the person’s next POST, and by the operator’s batch in receipt order', async () => {
    const launched = await launchCampaign(platform.api, operator, { fundPoints: 1_000, amountPoints: 1_000 });
    const citizens = await people.citizens(4);
    const ends = async (): Promise<ClaimAnswer[]> =>
      Promise.all(
        citizens.map(async (token) => {
          const { claims } = await platform.api.expect<{ claims: { claimId: string }[] }>(
            200,
            'GET',
            '/campaign/v1/claims',
            {
              token,
            },
          );
          return claimEnd(platform.api, token, claims[0]?.claimId ?? '');
        }),
      );
    for (const token of citizens) {
      const { body } = await claim(platform.api, launched, token);
      await claimEnd(platform.api, token, body.claimId);
    }
    const before = await ends();
    expect(before.map(({ state }) => state)).toEqual(['granted', 'refused', 'refused', 'refused']);
    expect(before[1]).toMatchObject({ reasonCode: 'fund_exhausted', curable: true });
    // The cause is not gone: the claim stays refused, with its receipt.
    const still = await claim(platform.api, launched, citizens[1] ?? '');
    expect(still).toMatchObject({ status: 200, body: { state: 'refused', receipt: before[1]?.receipt } });

    const raise = (amountPoints: number) =>
      platform.api.expect(201, 'POST', `/point-ledger/v1/funds/${launched.fundId}/raises`, {
        token: operator,
        body: { amountPoints },
      });
    await raise(1_000);
    const cured = await claim(platform.api, launched, citizens[3] ?? '');
    expect(cured).toMatchObject({ status: 200, body: { state: 'accepted', claimId: before[3]?.claimId } });
    expect((await ends()).map(({ state }) => state)).toEqual(['granted', 'refused', 'refused', 'granted']);

    await raise(1_000);
    const batch = `/campaign/v1/campaigns/${launched.campaignId}/claim-reopenings`;
    expect(await call('POST', batch, operator)).toEqual({
      status: 200,
      body: { reopened: 1, passedOver: 0, more: false },
    });
    const after = await ends();
    expect(after.map(({ state }) => state)).toEqual(['granted', 'granted', 'refused', 'granted']);
    expect(after.map(({ claimId, receipt }) => [claimId, receipt])).toEqual(
      before.map(({ claimId, receipt }) => [claimId, receipt]),
    );
  }, 60_000);

  it('a dry run grants nothing that can be spent, and is kept apart in the books', async () => {
    const fundId = await fund({ dryRun: true, amountPoints: 1_000 });
    const { body: campaign } = await drafted(fundId, { dryRun: true });
    await turn(campaign.campaignId, 'open');
    const token = await people.citizen();
    const { body } = await claimed(campaign, token);
    expect(await claimEnd(platform.api, token, body.claimId)).toMatchObject({ state: 'granted', dryRun: true });
    expect(await account(token)).toMatchObject({ availablePoints: 0, exchangeablePoints: 0, lots: [{ dryRun: true }] });
    const { entries } = await platform.api.expect<{ entries: unknown[] }>(
      200,
      'GET',
      '/point-ledger/v1/accounts/me/entries',
      { token },
    );
    expect(entries).toMatchObject([{ kind: 'grant', points: 0, dryRun: true, dryRunPoints: 1_000 }]);
    const { rows } = await platform.api.expect<{ rows: { account: string }[] }>(
      200,
      'GET',
      '/point-ledger/v1/trial-balance',
      { token: operator },
    );
    const accounts = rows.map((row) => row.account).filter((name) => name.includes(fundId));
    expect(accounts.length).toBeGreaterThan(0);
    for (const name of accounts) expect(name).toMatch(/dry/i);
  });

  it('a scheduled campaign opens by the clock, and says before when', async () => {
    const { body: campaign } = await drafted(await fund(), { opensInMs: 30 * MINUTE_MS });
    expect(await turn(campaign.campaignId, 'open')).toMatchObject({ status: 200, body: { state: 'scheduled' } });
    const token = await people.citizen();
    const early = await claimed(campaign, token);
    expect(refusal(early)).toBe('409 campaign.not_open');
    expect(early.body).toMatchObject({ opensAt: (campaign as unknown as { opensAt: string }).opensAt });
    expect(await platform.run('clock', '--forward', '31m')).toMatchObject({ code: 0 });
    expect((await claimed(campaign, token)).status).toBe(202);
    expect(await call('GET', `/campaign/v1/campaigns/${campaign.campaignId}`, token)).toMatchObject({
      body: { state: 'open' },
    });
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 60_000);
});
