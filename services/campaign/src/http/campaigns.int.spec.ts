import { randomUUID } from 'node:crypto';
import { campaignBody, dryRunFundId, fundId, othersFundId, type Stage, startStage } from '../test-stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.service.close());

const measures = (more: object) => [{ ...campaignBody.measures[0], ...more }];

describe('drafting', () => {
  it('makes a campaign with measures that everybody can read', async () => {
    const { status, body } = await stage.draft();
    expect(status).toBe(201);
    expect(body).toMatchObject({
      state: 'draft',
      ownerId: 'demo',
      programmeId: 'default',
      dryRun: false,
      opensAt: '2026-11-01T00:00:00.000Z',
      measures: [{ ruleVersion: 1, amountPoints: 11_000, fundId, eligibility: null, pointsExpireAfterMonths: 6 }],
    });
    const read = await stage.get(`/campaigns/${body.campaignId}`);
    expect(read.body).toEqual(body);
    expect(read.headers.get('etag')).toBe('"1-draft"');
    expect((await stage.get('/campaigns?limit=1')).body.campaigns).toEqual([body]);
  });

  it('does it once for one key, also where the first answer was lost', async () => {
    const key = randomUUID();
    const first = await stage.draft(campaignBody, stage.operator, key);
    expect((await stage.draft(campaignBody, stage.operator, key)).body).toEqual(first.body);
    await stage.service.pool.query('delete from idempotency');
    const repeated = await stage.draft(campaignBody, stage.operator, key);
    expect([repeated.status, repeated.body]).toEqual([201, first.body]);
    expect((await stage.post('/campaigns', stage.operator, campaignBody)).body.code).toBe(
      'request.idempotency_key_required',
    );
  });

  it('lists page by page, newest first', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) ids.unshift((await stage.draft()).body.campaignId);
    const first = (await stage.get('/campaigns?limit=2')).body;
    const second = (await stage.get(`/campaigns?limit=2&cursor=${first.nextCursor}`)).body;
    const listed = [...first.campaigns, ...second.campaigns].map(
      ({ campaignId }: { campaignId: string }) => campaignId,
    );
    expect(listed.slice(0, 3)).toEqual(ids);
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'cursor=0', 'limit=1&limit=2', 'state=open']) {
      expect((await stage.get(`/campaigns?${query}`)).status).toBe(400);
    }
  });

  it.each<[string, object]>([
    ['no name', { name: undefined }],
    ['a blank name', { name: ' ' }],
    ['a name with a control character', { name: 'a\u0000b' }],
    ['half a character', { name: 'a\ud800' }],
    ['a name too long', { name: 'x'.repeat(201) }],
    ['a time without offset', { opensAt: '2026-11-01T09:00:00' }],
    ['a day that does not exist', { opensAt: '2026-02-30T09:00:00Z' }],
    ['closing before opening', { closesAt: '2026-10-01T09:00:00Z' }],
    ['an owner in the body', { ownerId: 'demo' }],
    ['dryRun as a text', { dryRun: 'true' }],
    ['no measures', { measures: [] }],
    ['measures that are none', { measures: ['x', null, 7] }],
    ['an object for measures', { measures: {} }],
    ['51 measures', { measures: Array.from({ length: 51 }, () => campaignBody.measures[0]) }],
    ['no points', { measures: measures({ amountPoints: 0 }) }],
    ['half points', { measures: measures({ amountPoints: 0.5 }) }],
    ['too many points', { measures: measures({ amountPoints: 1_000_000_001 }) }],
    ['points as a text', { measures: measures({ amountPoints: '11000' }) }],
    ['an unknown rule', { measures: measures({ eligibility: { maximumAge: 15 } }) }],
    ['an age that is none', { measures: measures({ eligibility: { minimumAge: -1 } }) }],
    ['rules that are none', { measures: measures({ eligibility: 'all' }) }],
    ['rules as a list', { measures: measures({ eligibility: [] }) }],
    ['prefixes that are none', { measures: measures({ eligibility: { residencePrefixes: ['13', 'x'] } }) }],
    ['a prefix longer than a code', { measures: measures({ eligibility: { residencePrefixes: ['131016'] } }) }],
    ['a day that does not exist', { measures: measures({ eligibility: { minimumAge: 15, ageAsOf: '2027-02-29' } }) }],
    ['no prefixes', { measures: measures({ eligibility: { residencePrefixes: [] } }) }],
    ['two expiries', { measures: measures({ pointsExpireAt: '2027-12-31T00:00:00+09:00' }) }],
    ['an expiry of no months', { measures: measures({ pointsExpireAfterMonths: 0 }) }],
    ['a fund that is no text', { measures: measures({ fundId: { $ne: null } }) }],
  ])('refuses %s', async (_, more) => {
    const { status, body } = await stage.draft({ ...campaignBody, ...more });
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });

  it.each<[string, object]>([
    ['an unknown fund', { measures: measures({ fundId: '019ab3f0-6c00-7000-8000-0000000000ff' }) }],
    ['a fund id that is none', { measures: measures({ fundId: '../funds' }) }],
    ["another owner's fund", { measures: measures({ fundId: othersFundId }) }],
    ['a dry-run fund for real points', { measures: measures({ fundId: dryRunFundId }) }],
    ['a real fund for a dry run', { dryRun: true }],
  ])('refuses %s', async (_, more) => {
    const { status, body } = await stage.draft({ ...campaignBody, ...more });
    expect([status, body.code, body.errors[0].field]).toEqual([422, 'campaign.fund_mismatch', 'measures.0.fundId']);
  });

  it('draws a dry run from a dry-run fund, and says so on the order', async () => {
    const campaign = await stage.open({ ...campaignBody, dryRun: true, measures: measures({ fundId: dryRunFundId }) });
    const { token } = await stage.person();
    const { status, body } = await stage.claim(campaign, token);
    expect([status, body.dryRun]).toEqual([202, true]);
    expect((await stage.service.published()).at(-1)?.data).toMatchObject({ dryRun: true, fundId: dryRunFundId });
  });

  it('says 503 while the ledger does not answer', async () => {
    stage.outside.ledgerIsDown = true;
    const { status, body } = await stage.draft();
    stage.outside.ledgerIsDown = false;
    expect([status, body.code]).toEqual([503, 'service.unavailable']);
  });

  it('is for operators', async () => {
    expect((await stage.draft(campaignBody, (await stage.person()).token)).body.code).toBe('auth.role_required');
    expect((await stage.service.call('POST', '/campaign/v1/campaigns', { body: campaignBody })).body.code).toBe(
      'auth.token_invalid',
    );
  });
});

describe('the way of a campaign', () => {
  it('is draft → open ⇄ paused → closed, and anything else 409', async () => {
    const { campaignId } = (await stage.draft()).body;
    const turn = async (transition: string) => {
      const { status, body } = await stage.turn(campaignId, transition);
      return status === 200 ? body.state : body.code;
    };
    const states = [];
    for (const each of [
      'pause',
      'resume',
      'close',
      'open',
      'open',
      'resume',
      'pause',
      'pause',
      'resume',
      'close',
      'close',
      'open',
    ]) {
      states.push(await turn(each));
    }
    const wrong = 'campaign.wrong_state';
    expect(states).toEqual([
      wrong,
      wrong,
      wrong,
      'open',
      wrong,
      wrong,
      'paused',
      wrong,
      'open',
      'closed',
      wrong,
      wrong,
    ]);
  });

  it("does not exist for another owner's staff, who may read it", async () => {
    const { campaignId } = (await stage.draft()).body;
    const others = await stage.service.token({ role: 'operator', ownerId: 'tokyo' });
    for (const transition of ['open', 'pause', 'resume', 'close']) {
      expect((await stage.turn(campaignId, transition, others)).status).toBe(404);
    }
    expect((await stage.get(`/campaigns/${campaignId}`, others)).status).toBe(200);
    for (const id of ['x', fundId, '%00', '..%2f']) expect((await stage.get(`/campaigns/${id}`)).status).toBe(404);
    expect((await stage.turn('x', 'open')).status).toBe(404);
  });

  it('moves one step when staff press twice at the same moment', async () => {
    const { campaignId } = (await stage.draft()).body;
    const answers = await Promise.all(Array.from({ length: 10 }, () => stage.turn(campaignId, 'open')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'campaign.wrong_state')).toHaveLength(9);
  });

  it('goes on only from what staff have read, where they send If-Match', async () => {
    const { campaignId } = (await stage.draft()).body;
    const open = (ifMatch: string) =>
      stage.post(`/campaigns/${campaignId}/open`, stage.operator, undefined, { 'if-match': ifMatch });
    const tag = (await stage.get(`/campaigns/${campaignId}`)).headers.get('etag') ?? '';
    const other = await open('"0-draft"');
    expect([other.status, other.body.code]).toEqual([412, 'campaign.changed_meanwhile']);
    expect((await open(`"x", ${tag}`)).body.state).toBe('open');
    expect((await open(tag)).status).toBe(412);
    expect((await open('*')).body.code).toBe('campaign.wrong_state');
  });

  it('takes effect on the very next claim', async () => {
    const campaign = await stage.open();
    for (let i = 0; i < 10; i += 1) {
      const [{ token: one }, { token: two }] = [await stage.person(), await stage.person()];
      await stage.turn(campaign.campaignId, 'pause');
      expect((await stage.claim(campaign, one)).body.code).toBe('campaign.paused');
      await stage.turn(campaign.campaignId, 'resume');
      expect((await stage.claim(campaign, two)).status).toBe(202);
    }
  });
});

describe('the clock', () => {
  // The clock runs on in these cases: each has a service of its own.
  it('opens a scheduled campaign for claims at once, and records it once', async () => {
    const own = await startStage();
    try {
      const { service } = own;
      const later = { opensAt: '2026-11-21T00:00:00Z', closesAt: '2026-11-22T00:00:00Z' };
      const drafted = (await own.draft({ ...campaignBody, ...later })).body;
      const campaign = { campaignId: drafted.campaignId, measureId: drafted.measures[0].measureId };
      expect((await own.turn(campaign.campaignId, 'open')).body.state).toBe('scheduled');
      const { token } = await own.person();
      expect((await own.claim(campaign, token)).body).toMatchObject({
        code: 'campaign.not_open',
        opensAt: drafted.opensAt,
      });

      service.clock.set(later.opensAt);
      const citizen = async (subject: string) => service.token({ role: 'citizen', subject, ttlSeconds: 300_000 });
      const { personId } = await own.person();
      expect((await own.claim(campaign, await citizen(personId))).status).toBe(202);
      expect((await own.get(`/campaigns/${campaign.campaignId}`)).body.state).toBe('open');
      service.clock.set(later.closesAt);
      const other = (await own.person()).personId;
      expect((await own.claim(campaign, await citizen(other))).body.code).toBe('campaign.not_open');
      expect((await own.get(`/campaigns/${campaign.campaignId}`)).body.state).toBe('closed');

      const stream = `campaign-${campaign.campaignId}`;
      for (let head = await service.log.head(); ; head = await service.log.head()) {
        const events = (await service.log.readStreams([stream])).get(stream) ?? [];
        if (events.at(-1)?.type === 'CampaignClosed') {
          const turns = events.slice(2).map(({ type, effectiveAt }) => [type, effectiveAt]);
          expect(turns.slice(1)).toEqual([
            ['CampaignOpened', '2026-11-21T00:00:00.000Z'],
            ['CampaignClosed', '2026-11-22T00:00:00.000Z'],
          ]);
          break;
        }
        await service.log.waitForAppend(head, 5_000);
      }
    } finally {
      await own.service.close();
    }
  });
});

describe('programmes', () => {
  const body = {
    programmeId: 'town-points',
    name: 'Town points',
    providersPerPerson: 'many',
    linkConfirmation: 'person',
  };
  const create = (more: object = {}, token = stage.operator, key: string = randomUUID()) =>
    stage.post('/programmes', token, { ...body, ...more }, { 'idempotency-key': key });

  it('has "default" from the start, for everybody', async () => {
    expect((await stage.get('/programmes/default')).body).toMatchObject({
      providersPerPerson: 'one',
      linkConfirmation: 'none',
      ownerId: null,
    });
  });

  it('are created once, for campaigns of their owner', async () => {
    const key = randomUUID();
    const created = await create({}, stage.operator, key);
    expect([created.status, created.body]).toEqual([
      201,
      { ...body, linkChange: 'never_after_claim', ownerId: 'demo' },
    ]);
    await stage.service.pool.query('delete from idempotency');
    expect((await create({}, stage.operator, key)).status).toBe(201);
    expect((await create()).body.code).toBe('campaign.programme_exists');
    expect((await create({ programmeId: 'default' })).body.code).toBe('campaign.programme_exists');
    expect((await stage.draft({ ...campaignBody, programmeId: 'town-points' })).status).toBe(201);
    const others = await stage.service.token({ role: 'operator', ownerId: 'tokyo' });
    const foreign = { ...campaignBody, programmeId: 'town-points', measures: measures({ fundId: othersFundId }) };
    expect((await stage.draft(foreign, others)).body.code).toBe('campaign.programme_unknown');
    expect((await stage.draft({ ...campaignBody, programmeId: 'nowhere' })).status).toBe(422);
  });

  it('answer links which providers a person may choose', async () => {
    const token = await stage.service.token({ role: 'service', subject: 'service-link' });
    const ask = (id: string, as = token) =>
      stage.service.call('GET', `/campaign/internal/v1/programmes/${id}`, { token: as });
    expect((await ask('default')).body).toEqual({
      programmeId: 'default',
      providersPerPerson: 'one',
      linkConfirmation: 'none',
      linkChange: 'never_after_claim',
      ownerId: null,
    });
    await create({ programmeId: 'free-choice', linkChange: 'allowed' });
    expect((await ask('free-choice')).body).toMatchObject({ linkChange: 'allowed', ownerId: 'demo' });
    expect((await ask('nowhere')).status).toBe(404);
    expect((await ask('default', stage.operator)).status).toBe(403);
  });

  it('answer links whether a person has claimed in one', async () => {
    const token = await stage.service.token({ role: 'service', subject: 'service-link' });
    const { personId, token: citizen } = await stage.person();
    const claimed = async (programmeId: string) => {
      const path = `/campaign/internal/v1/programmes/${programmeId}/claims-of/${personId}`;
      return (await stage.service.call('GET', path, { token })).body;
    };
    expect(await claimed('default')).toEqual({ claimed: false });
    await stage.claim(await stage.open(), citizen);
    expect(await claimed('default')).toEqual({ claimed: true });
    expect(await claimed('nowhere')).toEqual({ claimed: false });
  });

  it.each([
    { programmeId: 'Ä' },
    { programmeId: 'x'.repeat(64) },
    { providersPerPerson: 'two' },
    { linkConfirmation: null },
    { linkChange: 'sometimes' },
    { more: 1 },
  ])('refuses %j', async (more) => expect((await create(more)).body.code).toBe('request.invalid'));
});
