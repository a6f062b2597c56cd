import { newId } from '@tsunagu/kernel';
import { type LinkStage, startLinkStage } from './test-link-stage.js';

describe('a link that stands', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage();
  });
  afterAll(() => stage.close());

  const end = (personId: string, linkId: string) => stage.as(personId, 'POST', `links/${linkId}/end`);

  it('is ended by its person before a claim: the choice is free, the account stays theirs', async () => {
    const me = stage.person();
    const account = stage.freshAccount();
    const linkId = await stage.established(me, account);
    expect((await end(stage.person(), linkId)).status).toBe(404);
    stage.world.openExchanges.set(linkId, [{ exchangeId: linkId, state: 'held', points: 100 }]);
    expect(await end(me, linkId)).toMatchObject({ status: 409, body: { code: 'service_link.exchanges_open' } });
    stage.world.openExchanges.clear();
    const ended = await end(me, linkId);
    expect(ended).toMatchObject({ status: 200, body: { state: 'ended', reasonCode: 'ended_by_person' } });
    expect((await end(me, linkId)).body).toMatchObject({ state: 'ended' });
    expect(await stage.vaultRows(linkId)).toEqual({ secrets: 0, accounts: 0 });
    expect((await stage.link(stage.person(), account)).body.code).toBe('service_link.account_taken');
    const next = await stage.established(me, account);
    expect(next).not.toBe(linkId);
  });

  it('is not ended after a claim, unless the programme allows it', async () => {
    const me = stage.person();
    const strict = await stage.established(me, stage.freshAccount());
    const free = await stage.established(me, stage.freshAccount(), { programmeId: 'free-programme' });
    stage.world.claimed.add(me);
    expect(await end(me, strict)).toMatchObject({ status: 409, body: { code: 'service_link.no_change_after_claim' } });
    expect((await end(me, free)).body.state).toBe('ended');
    await stage.established(me, stage.freshAccount(), { programmeId: 'free-programme', providerId: 'other-pay' });
  });

  it('follows a lost card to its new id, when the provider confirms it; the old id stays reserved', async () => {
    const me = stage.person();
    const [lost, fresh] = [stage.freshAccount(), stage.freshAccount()];
    const linkId = await stage.established(me, lost);
    stage.world.claimed.add(me);
    const replace = (providerAccountId: string, securityCode = providerAccountId.slice(-4), key = newId(1)) =>
      stage.as(me, 'POST', `links/${linkId}/replace`, { providerAccountId, securityCode }, { 'idempotency-key': key });
    const before = (await stage.asked(linkId)).body.providerAccountRef;
    expect((await replace(fresh, 'wrong')).body.code).toBe('service_link.account_not_confirmed');
    const taken = stage.freshAccount();
    await stage.established(stage.person(), taken);
    expect((await replace(taken)).body.code).toBe('service_link.account_taken');
    expect((await stage.asked(linkId)).body.providerAccountRef).toBe(before);
    stage.world.providerIsUp = false;
    expect((await replace(fresh)).status).toBe(503);
    stage.world.providerIsUp = true;
    expect(await replace(fresh)).toMatchObject({ status: 200, body: { linkId, state: 'established' } });
    const after = (await stage.asked(linkId)).body;
    expect(after).toMatchObject({ linkId, personId: me, state: 'established' });
    expect(after.providerAccountRef).not.toBe(before);
    for (const account of [lost, fresh])
      expect((await stage.link(stage.person(), account)).body.code).toBe('service_link.account_taken');
  });
});

describe('a half-made link', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage({ TSUNAGU_LINK_SWEEP_SECONDS: '1' });
  });
  afterAll(() => stage.close());

  it('ends refused after its time, whether the provider or the person is waited for, and its secrets are deleted', async () => {
    const [hasty, slow] = [stage.person(), stage.person()];
    const waiting = await stage.link(slow, stage.freshAccount(), { programmeId: 'asking-programme' });
    expect(waiting.body).toMatchObject({ state: 'awaiting_confirmation', maskedName: '試＊ 見＊' });
    stage.world.providerIsUp = false;
    const requested = await stage.link(hasty, stage.freshAccount());
    expect(requested.body.state).toBe('requested');
    expect((await stage.vaultRows(requested.body.linkId)).secrets).toBe(1);
    stage.service.clock.forward(24 * 3_600_000);
    const confirmed = await stage.as(slow, 'POST', `links/${waiting.body.linkId}/confirm`);
    expect(confirmed).toMatchObject({ status: 409, body: { code: 'service_link.wrong_state' } });
    // Though it is up again: a link that the provider has not answered by its time is refused.
    stage.world.providerIsUp = true;
    const ends = [
      [hasty, requested.body.linkId, 'provider_unreachable'],
      [slow, waiting.body.linkId, 'confirmation_expired'],
    ] as const;
    for (const [person, linkId, reasonCode] of ends) {
      await refusedOnLog(linkId);
      expect((await stage.read(person, linkId)).body).toMatchObject({ state: 'refused', reasonCode });
    }
    // Tidying follows the last event; the next sweep waits for it.
    await untilNoSecrets();
    for (const [, linkId] of ends) expect(await stage.vaultRows(linkId)).toEqual({ secrets: 0, accounts: 0 });
    const attempts = await stage.service.pool.query('select 1 from code_attempts');
    expect(attempts.rowCount).toBe(0);
  }, 30_000);

  async function refusedOnLog(linkId: string): Promise<void> {
    const stream = `link-${linkId}`;
    for (;;) {
      const head = await stage.service.log.head();
      const events = (await stage.service.log.readStreams([stream])).get(stream) ?? [];
      if (events.at(-1)?.type === 'LinkRefused') return;
      await stage.service.log.waitForAppend(head, 1_000);
    }
  }

  async function untilNoSecrets(): Promise<void> {
    for (;;) {
      const left = await stage.service.pool.query('select 1 from link_secrets');
      if (left.rowCount === 0) return;
      await stage.service.log.waitForAppend(await stage.service.log.head(), 100);
    }
  }
});

describe('a child under 15', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage();
  });
  afterAll(() => stage.close());

  async function guardianOf(child: string, guardian: string, act?: string): Promise<void> {
    const body = { childPersonId: child, guardianPersonId: guardian, evidence: 'family/7', ...(act && { act }) };
    const proposal = await stage.asStaff('ito', 'POST', 'guardians', body);
    expect(proposal.body).toMatchObject({ state: 'proposed' });
    const path = `link-changes/${proposal.body.changeId}/approve`;
    expect((await stage.asStaff('ito', 'POST', path)).body.code).toBe('service_link.second_person_required');
    expect((await stage.asStaff('suzuki', 'POST', path)).body.state).toBe('approved');
  }

  it('has nobody for a guardian who is the child itself', async () => {
    const child = stage.person();
    const body = { childPersonId: child, guardianPersonId: child, evidence: 'family/7' };
    const answer = await stage.asStaff('ito', 'POST', 'guardians', body);
    expect(answer).toMatchObject({ status: 422, body: { code: 'service_link.correction_mismatch' } });
  });

  it('is linked by the recorded guardian, to an account that is not the guardian’s', async () => {
    const [child, parent] = [stage.person(), stage.person()];
    stage.world.isFifteen.set(child, 'no');
    const own = stage.freshAccount();
    const childs = stage.freshAccount();
    await stage.established(parent, own);
    const forChild = (account: string) => stage.link(parent, account, { onBehalfOf: child });
    expect(await forChild(childs)).toMatchObject({ status: 403, body: { code: 'service_link.not_guardian' } });
    await guardianOf(child, parent);
    expect((await forChild(own)).body.code).toBe('service_link.account_taken');
    const linked = await forChild(childs);
    expect(linked.body).toMatchObject({ state: 'established' });
    expect((await stage.asked(linked.body.linkId)).body.personId).toBe(child);
    for (const [person, path] of [
      [child, 'links'],
      [parent, `links?onBehalfOf=${child}`],
    ] as const)
      expect((await stage.as(person, 'GET', path)).body.links).toHaveLength(1);
    expect((await stage.as(stage.person(), 'GET', `links?onBehalfOf=${child}`)).status).toBe(404);
    await guardianOf(child, parent, 'unlink');
    expect((await stage.read(parent, linked.body.linkId)).status).toBe(404);
  });

  it('from 15 on nobody else acts, nor while the age is not known', async () => {
    const [child, parent] = [stage.person(), stage.person()];
    await guardianOf(child, parent);
    const forChild = () => stage.link(parent, stage.freshAccount(), { onBehalfOf: child });
    expect(await forChild()).toMatchObject({ status: 403, body: { code: 'service_link.age_unknown' } });
    stage.world.isFifteen.set(child, 'yes');
    expect(await forChild()).toMatchObject({ status: 403, body: { code: 'service_link.of_age' } });
    expect((await stage.link(child, stage.freshAccount())).body.state).toBe('established');
  });
});
