import { campaignBody, fundId, grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.service.close());

const eligible = (eligibility: object) => ({
  ...campaignBody,
  measures: [{ ...campaignBody.measures[0], eligibility }],
});

describe('a claim', () => {
  it('gets a receipt at once, durable and ready for the ledger', async () => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    const { status, body } = await stage.claim(campaign, token);
    expect([status, body.state, body.amountPoints, body.measureId]).toEqual([
      202,
      'accepted',
      11_000,
      campaign.measureId,
    ]);
    expect(body.receipt).toEqual({ number: expect.stringMatching(/^R(-[2-9A-Z]{4}){4}$/), issuedAt: body.acceptedAt });
    expect(body.pollAfterSeconds).toBe(1);
    const event = (await stage.service.published()).find(
      ({ data }) => (data as { claimId: string }).claimId === body.claimId,
    );
    expect(event).toMatchObject({
      type: 'ClaimAccepted',
      actor: `person:${personId}`,
      ownerId: 'demo',
      stream: `entitlement-${campaign.measureId}+${personId}`,
      reads: { [`campaign-${campaign.campaignId}`]: 2 },
      data: { fundId, attempt: 1, ruleVersion: 1, answers: [], receiptNumber: body.receipt.number },
    });
  });

  it('is the same claim again, whatever has happened to the campaign', async () => {
    const campaign = await stage.open();
    const { token } = await stage.person();
    const first = await stage.claim(campaign, token);
    await stage.turn(campaign.campaignId, 'pause');
    const paused = await stage.claim(campaign, token);
    await stage.turn(campaign.campaignId, 'close');
    const closed = await stage.claim(campaign, token);
    expect([paused.status, closed.status]).toEqual([200, 200]);
    expect(paused.body).toEqual(first.body);
    expect(closed.body.receipt).toEqual(first.body.receipt);
  });

  it('is one claim when one person sends 40 at once', async () => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    const answers = await Promise.all(Array.from({ length: 40 }, () => stage.claim(campaign, token)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(39);
    expect(new Set(answers.map(({ body }) => body.receipt.number)).size).toBe(1);
    const stream = `entitlement-${campaign.measureId}+${personId}`;
    expect((await stage.service.log.readStreams([stream])).get(stream)).toHaveLength(1);
  });

  it('is refused before opening, while paused, and after closing', async () => {
    const { body } = await stage.draft();
    const campaign = { campaignId: body.campaignId, measureId: body.measures[0].measureId };
    const { token } = await stage.person();
    const draft = await stage.claim(campaign, token);
    expect([draft.status, draft.body.code, draft.body.opensAt]).toEqual([
      409,
      'campaign.not_open',
      '2026-11-01T00:00:00.000Z',
    ]);
    await stage.turn(campaign.campaignId, 'open');
    await stage.turn(campaign.campaignId, 'pause');
    const paused = await stage.claim(campaign, token);
    expect([paused.status, paused.body.code, paused.body.retryAfterSeconds]).toEqual([409, 'campaign.paused', 60]);
    expect(paused.headers.get('retry-after')).toBe('60');
    await stage.turn(campaign.campaignId, 'resume');
    expect((await stage.claim(campaign, token)).status).toBe(202);
    await stage.turn(campaign.campaignId, 'close');
    const late = await stage.claim(campaign, (await stage.person()).token);
    expect([late.status, late.body.code]).toEqual([409, 'campaign.not_open']);
  });

  it('finds nothing under unknown, foreign or malformed ids', async () => {
    const [campaign, other] = [await stage.open(), await stage.open()];
    const { token } = await stage.person();
    const mixed = { campaignId: campaign.campaignId, measureId: other.measureId };
    const tries = [
      mixed,
      { ...campaign, measureId: 'x' },
      { ...campaign, campaignId: 'x' },
      { ...campaign, campaignId: fundId },
    ];
    for (const each of tries)
      expect(await stage.claim(each, token)).toMatchObject({ status: 404, body: { code: 'request.not_found' } });
    await stage.claim(other, token);
    expect((await stage.claim(mixed, token)).status).toBe(404);
  });

  it('takes nothing but a measureId', async () => {
    const { campaignId, measureId } = await stage.open();
    const { token } = await stage.person();
    for (const body of [
      {},
      { measureId: 7 },
      { measureId: 'x'.repeat(101) },
      { measureId, personId: fundId },
      [],
      'text',
    ]) {
      const { status, body: problem } = await stage.post(`/campaigns/${campaignId}/claims`, token, body);
      expect([status, problem.code]).toEqual([400, 'request.invalid']);
    }
  });

  it('is for citizens', async () => {
    expect(await stage.claim(await stage.open(), stage.operator)).toMatchObject({
      status: 403,
      body: { code: 'auth.role_required' },
    });
  });
});

describe('eligibility', () => {
  // Identity is asked for every claim, also of a measure without rules.
  afterEach(() => {
    stage.outside.answers = () => [];
  });
  const rules = { minimumAge: 15, residencePrefixes: ['13'], residentAsOf: '2026-11-01' };
  const answer = (rule: 'age' | 'residence', said: 'yes' | 'no' | 'unknown') => ({
    rule,
    answer: said,
    factReadAt: said === 'unknown' ? null : '2026-11-19T00:00:00.000Z',
  });

  it('asks identity and records its answers only', async () => {
    const campaign = await stage.open(eligible(rules));
    const { personId, token } = await stage.person();
    stage.outside.answers = () => [answer('age', 'yes'), answer('residence', 'yes')];
    const { status, body } = await stage.claim(campaign, token);
    expect(status).toBe(202);
    expect(stage.outside.asked.at(-1)).toMatchObject({ personId, rules });
    const event = (await stage.service.published()).find(
      ({ data }) => (data as { claimId: string }).claimId === body.claimId,
    );
    expect(event?.data).toMatchObject({ answers: [answer('age', 'yes'), answer('residence', 'yes')] });
  });

  it.each([
    ['no', 'yes', [['age', 'below_minimum']]],
    ['yes', 'no', [['residence', 'outside']]],
    [
      'unknown',
      'unknown',
      [
        ['age', 'unknown'],
        ['residence', 'unknown'],
      ],
    ],
  ] as const)('age %s, residence %s', async (age, residence, expected) => {
    const campaign = await stage.open(eligible(rules));
    stage.outside.answers = () => [answer('age', age), answer('residence', residence)];
    const { status, body } = await stage.claim(campaign, (await stage.person()).token);
    expect([status, body.code]).toEqual([403, 'campaign.not_eligible']);
    expect(body.errors.map(({ field, code }: { field: string; code: string }) => [field, code])).toEqual(expected);
  });

  it('takes a person whom identity does not know for unknown', async () => {
    const campaign = await stage.open(eligible({ minimumAge: 15 }));
    stage.outside.answers = () => undefined;
    const { body } = await stage.claim(campaign, (await stage.person()).token);
    expect([body.code, body.errors[0].code]).toEqual(['campaign.not_eligible', 'unknown']);
  });

  it('says 503 while identity does not answer, and nothing is lost', async () => {
    const campaign = await stage.open(eligible({ minimumAge: 15 }));
    const { token } = await stage.person();
    stage.outside.identityIsDown = true;
    const down = await stage.claim(campaign, token);
    expect([down.status, down.body.code]).toEqual([503, 'service.unavailable']);
    expect(Number(down.headers.get('retry-after'))).toBeGreaterThan(0);
    stage.outside.identityIsDown = false;
    stage.outside.answers = () => [answer('age', 'yes')];
    expect((await stage.claim(campaign, token)).status).toBe(202);
  });

  it('asks once for 40 claims of one person at once', async () => {
    const campaign = await stage.open(eligible({ minimumAge: 15 }));
    const { token } = await stage.person();
    const before = stage.outside.asked.length;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    stage.outside.answers = () => held.then(() => [answer('age', 'yes')]);
    const claims = Array.from({ length: 40 }, () => stage.claim(campaign, token));
    setTimeout(release, 200);
    const statuses = (await Promise.all(claims)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    expect(stage.outside.asked.length - before).toBeLessThan(5);
  });

  it('decides on the campaign as it is when identity has answered', async () => {
    const campaign = await stage.open(eligible({ minimumAge: 15 }));
    const { token } = await stage.person();
    let asked = () => {};
    const wasAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let release = () => {};
    stage.outside.answers = () => {
      asked();
      return new Promise((resolve) => {
        release = () => resolve([answer('age', 'yes')]);
      });
    };
    const claim = stage.claim(campaign, token);
    await wasAsked;
    await stage.turn(campaign.campaignId, 'pause');
    release();
    expect(await claim).toMatchObject({ status: 409, body: { code: 'campaign.paused' } });
  });
});

describe('reading claims', () => {
  it('shows a person their own, at once, newest first', async () => {
    const [one, two] = [await stage.open(), await stage.open()];
    const { token } = await stage.person();
    const claims = [await stage.claim(one, token), await stage.claim(two, token)];
    const ids = claims.map(({ body }) => body.claimId);
    expect((await stage.get(`/claims/${ids[0]}`, token)).body).toEqual(claims[0]?.body);
    const all = await stage.get('/claims', token);
    expect(all.body).toEqual({ claims: [claims[1]?.body, claims[0]?.body] });
    const page = await stage.get('/claims?limit=1', token);
    expect(page.body.claims[0].claimId).toBe(ids[1]);
    expect((await stage.get(`/claims?limit=1&cursor=${page.body.nextCursor}`, token)).body).toEqual({
      claims: [claims[0]?.body],
    });
    expect(all.headers.get('cache-control')).toBe('no-store');
  });

  it("is no one else's business, staff of the owner excepted", async () => {
    const campaign = await stage.open();
    const { body } = await stage.claim(campaign, (await stage.person()).token);
    const status = async (token: string) => (await stage.get(`/claims/${body.claimId}`, token)).status;
    expect(await status((await stage.person()).token)).toBe(404);
    for (const role of ['operator', 'auditor', 'support'] as const) {
      expect(await status(await stage.service.token({ role, ownerId: 'demo' }))).toBe(200);
      expect(await status(await stage.service.token({ role, ownerId: 'tokyo' }))).toBe(404);
    }
    expect(await status(await stage.service.token({ role: 'finance', ownerId: 'demo' }))).toBe(403);
    const { token } = await stage.person();
    for (const id of ['x', fundId]) expect((await stage.get(`/claims/${id}`, token)).status).toBe(404);
    expect((await stage.get(`/claims/${encodeURIComponent("'\u0000")}`, token)).status).toBeLessThan(500);
  });

  it('lets support look up a receipt as it was typed, and keeps a record of the look', async () => {
    const { body } = await stage.claim(await stage.open(), (await stage.person()).token);
    const support = await stage.service.token({ role: 'support', ownerId: 'demo', subject: 'desk-1' });
    const typed = encodeURIComponent(body.receipt.number.toLowerCase().replaceAll('-', ' '));
    expect((await stage.get(`/claims?receipt=${typed}`, support)).body.claims).toEqual([body]);
    expect(stage.service.logLines).toContainEqual(
      expect.objectContaining({ msg: 'claim looked at', actor: 'staff:desk-1', claimId: body.claimId }),
    );
    const others = await stage.service.token({ role: 'support', ownerId: 'tokyo' });
    expect((await stage.get(`/claims?receipt=${typed}`, others)).body).toEqual({ claims: [] });
    for (const query of [
      '',
      '?receipt=',
      '?receipt=R-2222-2222-2222-2223',
      '?limit=0',
      '?cursor=x',
      '?receipt=a&receipt=b',
    ]) {
      expect((await stage.get(`/claims${query}`, support)).body.code).toBe('request.invalid');
    }
  });

  it('waits for the end with Prefer: wait, and no longer than asked', async () => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    const { body } = await stage.claim(campaign, token);
    const path = `/claims/${body.claimId}`;
    const short = await stage.get(path, token, { prefer: 'wait=1' });
    expect(short.body.state).toBe('accepted');
    const waiting = [1, 2, 3].map(() => stage.get(path, token, { prefer: 'wait=10' }));
    setTimeout(() => void stage.deliver(pointsGranted(body, personId)), 100);
    const from = performance.now();
    for (const answer of await Promise.all(waiting)) {
      expect(answer.body).toMatchObject({ state: 'granted', decidedAt: expect.any(String), receipt: body.receipt });
      expect(answer.body.pollAfterSeconds).toBeUndefined();
    }
    expect(performance.now() - from).toBeLessThan(5_000);
    expect((await stage.get(path, token, { prefer: 'wait=10' })).body.state).toBe('granted');
  });
});

describe('a curable refusal', () => {
  it('is shown with its reason and reopened by the next claim once the fund has points', async () => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    const { body } = await stage.claim(campaign, token);
    stage.outside.funds.set(fundId, { fundId, ownerId: 'demo', dryRun: false, undrawnPoints: 10_999 });
    await stage.deliver(grantRefused(body, personId));
    const refused = { state: 'refused', reasonCode: 'fund_exhausted', curable: true, receipt: body.receipt };
    expect(await stage.claim(campaign, token)).toMatchObject({ status: 200, body: refused });
    stage.outside.ledgerIsDown = true;
    expect(await stage.claim(campaign, token)).toMatchObject({ status: 200, body: refused });
    stage.outside.ledgerIsDown = false;

    stage.outside.funds.set(fundId, { fundId, ownerId: 'demo', dryRun: false, undrawnPoints: 11_000 });
    await stage.turn(campaign.campaignId, 'close');
    const again = await Promise.all(Array.from({ length: 10 }, () => stage.claim(campaign, token)));
    for (const { status, body: now } of again) {
      expect([status, now.state, now.claimId, now.receipt]).toEqual([200, 'accepted', body.claimId, body.receipt]);
    }
    const stream = `entitlement-${campaign.measureId}+${personId}`;
    const events = (await stage.service.log.readStreams([stream])).get(stream);
    expect(events?.map(({ type }) => type)).toEqual(['ClaimAccepted', 'ClaimRefused', 'ClaimReopened']);
    await stage.deliver(pointsGranted(body, personId, 2));
    expect((await stage.get(`/claims/${body.claimId}`, token)).body).toMatchObject({
      state: 'granted',
      receipt: body.receipt,
    });
  });

  it('that is not curable stays', async () => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    const { body } = await stage.claim(campaign, token);
    await stage.deliver(grantRefused(body, personId, 1, 'already_granted'));
    expect(await stage.claim(campaign, token)).toMatchObject({
      status: 200,
      body: { state: 'refused', reasonCode: 'already_granted', curable: false },
    });
  });

  it('goes on in receipt order, as far as the fund reaches, when an operator says so', async () => {
    const campaign = await stage.open();
    const claims = [];
    for (let i = 0; i < 5; i += 1) {
      const { personId, token } = await stage.person();
      claims.push({ ...(await stage.claim(campaign, token)).body, personId, token });
    }
    await stage.deliver(...claims.toReversed().map((claim) => grantRefused(claim, claim.personId)));
    stage.outside.funds.set(fundId, { fundId, ownerId: 'demo', dryRun: false, undrawnPoints: 3 * 11_000 + 10_999 });
    const path = `/campaigns/${campaign.campaignId}/claim-reopenings`;
    const others = await stage.service.token({ role: 'operator', ownerId: 'tokyo' });
    expect((await stage.post(path, others)).status).toBe(404);
    expect(await stage.post(path, stage.operator)).toMatchObject({ status: 200, body: { reopened: 3, more: false } });
    const states = await Promise.all(
      claims.map(async ({ claimId, token }) => (await stage.get(`/claims/${claimId}`, token)).body.state),
    );
    expect(states).toEqual(['accepted', 'accepted', 'accepted', 'refused', 'refused']);
    stage.outside.ledgerIsDown = true;
    expect((await stage.post(path, stage.operator)).status).toBe(503);
    stage.outside.ledgerIsDown = false;
  });
});
