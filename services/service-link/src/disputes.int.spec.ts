import { setTimeout as delay } from 'node:timers/promises';
import type { TestAnswer } from '@tsunagu/service-host/testing';
import { type LinkStage, startLinkStage } from './test-link-stage.js';

describe('a disputed link', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage();
  });
  afterAll(() => stage.close());

  const dispute = (personId: string, linkId: string, body: object = { pattern: 'wrong_account' }) =>
    stage.as(personId, 'POST', `links/${linkId}/dispute`, body);
  const propose = (subject: string, pattern: string, outcome: string, links: readonly object[]) =>
    stage.asStaff(subject, 'POST', 'link-corrections', { pattern, outcome, links, evidence: 'file/2026/17' });
  const approve = (subject: string, proposal: TestAnswer) =>
    stage.asStaff(subject, 'POST', `link-changes/${proposal.body.changeId}/approve`);
  const secondPerson = { status: 403, body: { code: 'service_link.second_person_required' } };

  it('sends nothing from the moment that its person says so, and is listed with what it holds back', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    expect((await dispute(stage.person(), linkId)).status).toBe(404);
    expect((await dispute(me, linkId, { pattern: 'because' })).status).toBe(400);
    expect((await dispute(me, linkId, { pattern: 'not_mine', side: 'provider' })).status).toBe(403);
    expect(await dispute(me, linkId)).toMatchObject({ status: 200, body: { linkId, state: 'disputed' } });
    expect((await dispute(me, linkId)).status).toBe(200);
    expect((await stage.asked(linkId)).body).toMatchObject({ state: 'disputed', providerAccountRef: null });
    const held = [{ exchangeId: linkId, state: 'held', points: 500 }];
    stage.world.openExchanges.set(linkId, held);
    const listed = await stage.asStaff('sato', 'GET', 'disputes');
    expect(listed.body.disputes).toContainEqual(
      expect.objectContaining({
        linkId,
        pattern: 'wrong_account',
        side: 'holder',
        raisedBy: `person:${me}`,
        heldBack: held,
      }),
    );
    const published = (await stage.service.published()).filter(
      ({ data }) => (data as { linkId: string }).linkId === linkId,
    );
    expect(published.map(({ type }) => type)).toEqual(['LinkEstablished', 'LinkDisputed']);
  });

  it('is seen and disputed by the staff of its programme’s owner only', async () => {
    const linkId = await stage.established(stage.person(), stage.freshAccount(), { programmeId: 'tokyo-programme' });
    const body = { pattern: 'provider_report', side: 'provider' };
    expect((await stage.asStaff('sato', 'POST', `links/${linkId}/dispute`, body)).status).toBe(404);
    const disputed = await stage.asStaff('mori', 'POST', `links/${linkId}/dispute`, body, { ownerId: 'tokyo' });
    expect(disputed.body).toMatchObject({ state: 'disputed' });
    const idsFor = async (ownerId: string) =>
      (await stage.asStaff('sato', 'GET', 'disputes', undefined, { ownerId })).body.disputes.map(
        (each: { linkId: string }) => each.linkId,
      );
    expect(await idsFor('tokyo')).toContain(linkId);
    expect(await idsFor('demo')).not.toContain(linkId);
    expect((await propose('sato', 'unfounded', 'upheld', [{ linkId }])).status).toBe(404);
  });

  it('is upheld by two persons, none of whom has changed it', async () => {
    const linkId = await stage.established(stage.person(), stage.freshAccount());
    expect((await propose('ito', 'unfounded', 'upheld', [{ linkId }])).body.code).toBe('service_link.not_disputed');
    await stage.asStaff('sato', 'POST', `links/${linkId}/dispute`, { pattern: 'not_mine', side: 'holder' });
    const proposal = await propose('ito', 'unfounded', 'upheld', [{ linkId }]);
    expect(proposal).toMatchObject({ status: 201, body: { state: 'proposed', proposedBy: 'staff:ito' } });
    expect(await approve('ito', proposal)).toMatchObject(secondPerson);
    expect(await approve('sato', proposal)).toMatchObject(secondPerson);
    expect((await stage.asked(linkId)).body.state).toBe('disputed');
    const approved = await approve('suzuki', proposal);
    expect(approved).toMatchObject({ status: 200, body: { state: 'approved', decidedBy: 'staff:suzuki' } });
    expect((await approve('suzuki', proposal)).body).toEqual(approved.body);
    expect((await stage.asked(linkId)).body).toMatchObject({
      state: 'established',
      providerAccountRef: expect.stringMatching(/^sp-/),
    });
    const listed = await stage.asStaff('ito', 'GET', 'link-changes?state=approved');
    expect(listed.body.changes).toContainEqual(approved.body);
    expect(
      (await stage.asStaff('ito', 'GET', `link-changes/${approved.body.changeId}`, undefined, { ownerId: 'x' })).status,
    ).toBe(404);
  });

  it('a rejected proposal leaves it disputed', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    await dispute(me, linkId);
    const proposal = await propose('ito', 'typing_mistake', 'ended', [{ linkId }]);
    const path = `link-changes/${proposal.body.changeId}/reject`;
    expect((await stage.asStaff('suzuki', 'POST', path)).body.state).toBe('rejected');
    expect((await approve('mori', proposal)).body.code).toBe('service_link.change_ended');
    expect((await stage.asked(linkId)).body.state).toBe('disputed');
  });

  it('ended for a mistyped id, its account is free for its owner and its person chooses anew', async () => {
    const [me, owner] = [stage.person(), stage.person()];
    const account = stage.freshAccount();
    const linkId = await stage.established(me, account);
    await dispute(me, linkId);
    await approve('suzuki', await propose('ito', 'typing_mistake', 'ended', [{ linkId }]));
    expect((await stage.read(me, linkId)).body).toMatchObject({ state: 'ended', reasonCode: 'typing_mistake' });
    expect(await stage.vaultRows(linkId)).toEqual({ secrets: 0, accounts: 0 });
    await stage.established(owner, account);
    await stage.established(me, stage.freshAccount());
  });

  it('ended by a death, its account stays reserved', async () => {
    const me = stage.person();
    const account = stage.freshAccount();
    const linkId = await stage.established(me, account);
    await approve('suzuki', await propose('ito', 'deceased', 'ended', [{ linkId }]));
    expect((await stage.asked(linkId)).body).toMatchObject({ state: 'ended' });
    expect((await stage.link(stage.person(), account)).body.code).toBe('service_link.account_taken');
  });

  it.each(['deceased', 'moved_away'])(
    'ended as %s, its account is kept until nothing is on its way',
    async (pattern) => {
      const sweeping = await startLinkStage({ TSUNAGU_LINK_SWEEP_SECONDS: '1' });
      const forgotten = async (linkId: string) => {
        for (let times = 0; times < 200 && (await sweeping.vaultRows(linkId))?.accounts; times += 1) await delay(50);
      };
      try {
        const me = sweeping.person();
        const [owing, settled] = [sweeping.freshAccount(), sweeping.freshAccount()];
        const many = { programmeId: 'many-programme' };
        const owingId = await sweeping.established(me, owing, many);
        const settledId = await sweeping.established(me, settled, { ...many, providerId: 'other-pay' });
        sweeping.world.openExchanges.set(owingId, [{ exchangeId: owingId, state: 'outcome_unknown', points: 100 }]);
        const { providerAccountRef } = (await sweeping.asked(owingId)).body;
        const correction = { pattern, outcome: 'ended', links: [{ linkId: owingId }, { linkId: settledId }] };
        const proposal = await sweeping.asStaff('ito', 'POST', 'link-corrections', {
          ...correction,
          evidence: 'file/2026/18',
        });
        await sweeping.asStaff('suzuki', 'POST', `link-changes/${proposal.body.changeId}/approve`);
        await forgotten(settledId);
        expect((await sweeping.asked(settledId)).body).toMatchObject({ state: 'ended', providerAccountRef: null });
        expect((await sweeping.asked(owingId)).body).toMatchObject({ state: 'ended', providerAccountRef });
        sweeping.world.openExchanges.clear();
        await forgotten(owingId);
        expect((await sweeping.asked(owingId)).body).toMatchObject({ state: 'ended', providerAccountRef: null });
      } finally {
        await sweeping.close();
      }
    },
  );

  it('of a swapped pair: one correction, one request, and both have their own account', async () => {
    const [one, two] = [stage.person(), stage.person()];
    const [accountOfTwo, accountOfOne] = [stage.freshAccount(), stage.freshAccount()];
    const links = [await stage.established(one, accountOfTwo), await stage.established(two, accountOfOne)] as const;
    const refs = await Promise.all(links.map(async (linkId) => (await stage.asked(linkId)).body.providerAccountRef));
    for (const [index, person] of [one, two].entries()) await dispute(person, links[index] ?? '');
    const proposal = await propose(
      'ito',
      'swapped_pair',
      'moved',
      links.map((linkId) => ({ linkId })),
    );
    await approve('suzuki', proposal);
    const { events } = await stage.service.log.readLog({ after: 0, limit: 100_000 });
    const approval = events.find(
      ({ type, data }) =>
        type === 'LinkChangeApproved' && (data as { changeId: string }).changeId === proposal.body.changeId,
    );
    const streams = new Set(
      events.filter(({ requestId }) => requestId === approval?.requestId).map(({ stream }) => stream),
    );
    // The change, four links, two streams for each account, two choices.
    expect(streams.size).toBe(11);
    for (const [person, ref] of [
      [one, refs[1]],
      [two, refs[0]],
    ] as const) {
      const { body } = await stage.as(person, 'GET', 'links');
      const standing = body.links.filter(({ state }: { state: string }) => state === 'established');
      expect(standing).toHaveLength(1);
      expect(standing[0].maskedName).toBe('試＊ 見＊');
      expect((await stage.asked(standing[0].linkId)).body).toMatchObject({ personId: person, providerAccountRef: ref });
    }
    for (const linkId of links) expect((await stage.vaultRows(linkId)).accounts).toBe(0);
  });

  it('is raised by whoever proves that the account is theirs', async () => {
    const [stranger, owner] = [stage.person(), stage.person()];
    const account = stage.freshAccount();
    const linkId = await stage.established(stranger, account);
    const claim = (securityCode: string, providerAccountId = account) => {
      const body = { providerId: 'sim-pay', providerAccountId, securityCode };
      return stage.as(owner, 'POST', 'account-disputes', body, {
        'idempotency-key': `${securityCode}${providerAccountId}`,
      });
    };
    expect((await claim('wrong')).body.code).toBe('service_link.account_not_confirmed');
    const free = stage.freshAccount();
    expect((await claim(free.slice(-4), free)).body.code).toBe('service_link.account_not_taken');
    expect((await claim(account.slice(-4))).body).toEqual({ state: 'disputed' });
    expect((await stage.asked(linkId)).body.state).toBe('disputed');
    await approve('suzuki', await propose('ito', 'wrong_person', 'moved', [{ linkId, toPersonId: owner }]));
    expect((await stage.as(owner, 'GET', 'links')).body.links).toMatchObject([{ state: 'established' }]);
    expect((await stage.read(stranger, linkId)).body).toMatchObject({ state: 'ended', reasonCode: 'wrong_person' });
  });

  it('of an account that is kept for a stranger whose link has ended: staff look it up and free it', async () => {
    const [stranger, owner] = [stage.person(), stage.person()];
    const account = stage.freshAccount();
    const linkId = await stage.established(stranger, account);
    await stage.as(stranger, 'POST', `links/${linkId}/end`);
    const typed = { providerId: 'sim-pay', providerAccountId: account, securityCode: account.slice(-4) };
    const headers = { 'idempotency-key': account };
    expect((await stage.as(owner, 'POST', 'account-disputes', typed, headers)).body.code).toBe(
      'service_link.account_taken',
    );
    const { securityCode: _, ...known } = typed;
    const lookUp = await stage.asStaff('ito', 'POST', 'account-lookups', known);
    expect(lookUp.body.links).toMatchObject([{ linkId, personId: stranger, state: 'ended' }]);
    const looks = stage.service.logLines.filter(({ look }) => look === 'account');
    expect(looks).toMatchObject([{ by: 'staff:ito', linkIds: [linkId] }]);
    await approve('suzuki', await propose('ito', 'typing_mistake', 'ended', [{ linkId }]));
    await stage.established(owner, account);
  });

  it('corrections and new links that race for the same accounts never give one account to two persons, and nothing recorded names one', async () => {
    const rounds = Array.from({ length: 10 }, async () => {
      const [one, two, three] = [stage.person(), stage.person(), stage.person()];
      const [a, b] = [stage.freshAccount(), stage.freshAccount()];
      const links = [await stage.established(one, a), await stage.established(two, b)] as const;
      for (const [index, person] of [one, two].entries()) await dispute(person, links[index] ?? '');
      const both = links.map((linkId) => ({ linkId }));
      const proposals = [
        await propose('ito', 'swapped_pair', 'moved', both),
        await propose('mori', 'swapped_pair', 'moved', both),
        await propose('ito', 'wrong_person', 'moved', [{ linkId: links[0], toPersonId: three }]),
        await propose('ito', 'typing_mistake', 'ended', [{ linkId: links[1] }]),
      ];
      await Promise.all([
        ...proposals.map((proposal) => approve('suzuki', proposal)),
        stage.link(three, a),
        stage.link(three, b),
      ]);
    });
    await Promise.all(rounds);
    const { events } = await stage.service.log.readLog({ after: 0, limit: 100_000 });
    const holders = new Map<string, Map<string, string>>();
    const text = JSON.stringify(events) + JSON.stringify(stage.service.logLines);
    for (const account of stage.accounts()) expect(text).not.toContain(account);
    expect(text).not.toMatch(/試＊|sp-[0-9a-f]{24}/);
    for (const { stream, type, data } of events) {
      const { linkId, personId } = data as { linkId: string; personId: string };
      const held = holders.get(stream) ?? new Map<string, string>();
      if (type === 'ServiceAccountBound') holders.set(stream, held.set(linkId, personId));
      if (type === 'ServiceAccountUnbound') held.delete(linkId);
      expect(new Set(held.values()).size).toBeLessThan(2);
    }
  }, 60_000);
});
