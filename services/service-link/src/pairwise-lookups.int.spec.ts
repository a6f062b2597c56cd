import { createHash } from 'node:crypto';
import { newId } from '@tsunagu/kernel';
import type { TestAnswer } from '@tsunagu/service-host/testing';
import { type LinkStage, startLinkStage } from './test-link-stage.js';

describe('what a provider may call the person of an account', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage();
  });
  afterAll(() => stage.close());

  async function lookUp(
    providerAccountRef: unknown,
    claims: { providerId?: string; ownerId?: string } = { providerId: 'sim-pay' },
  ): Promise<TestAnswer> {
    const token = await stage.service.token({ role: 'partner', subject: 'pay-server', ownerId: 'demo', ...claims });
    return stage.service.call('POST', '/service-link/v1/pairwise-lookups', { token, body: { providerAccountRef } });
  }
  /** What the provider calls the account of an established link. */
  const refOf = async (linkId: string): Promise<string> => (await stage.asked(linkId)).body.providerAccountRef;
  const notFound = { status: 404, body: { code: 'request.not_found' } };
  const free = { programmeId: 'free-programme' };

  it('is told by the account, to a machine of that provider, while a link stands', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    const answer = await lookUp(await refOf(linkId));
    expect(answer).toMatchObject({ status: 200, body: { pairwiseId: `${me} at sim-pay` } });
    expect(Object.keys(answer.body)).toEqual(['pairwiseId']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is the same when the link is ended and made anew, with the same account or another; in between it is not told', async () => {
    const me = stage.person();
    const [first, second] = [stage.freshAccount(), stage.freshAccount()];
    const told: unknown[] = [];
    for (const account of [first, first, second]) {
      const linkId = await stage.established(me, account, free);
      const ref = await refOf(linkId);
      told.push((await lookUp(ref)).body.pairwiseId);
      expect((await stage.as(me, 'POST', `links/${linkId}/end`, {})).body.state).toBe('ended');
      expect(await lookUp(ref)).toMatchObject(notFound);
    }
    expect(told).toEqual(Array(3).fill(`${me} at sim-pay`));
  });

  it('stays when a lost card was replaced, by the new reference and the old one', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    const old = await refOf(linkId);
    const account = stage.freshAccount();
    const typed = { providerAccountId: account, securityCode: account.slice(-4) };
    const headers = { 'idempotency-key': newId(1) };
    expect((await stage.as(me, 'POST', `links/${linkId}/replace`, typed, headers)).status).toBe(200);
    const now = await refOf(linkId);
    expect(now).not.toBe(old);
    for (const ref of [now, old]) expect((await lookUp(ref)).body.pairwiseId).toBe(`${me} at sim-pay`);
  });

  it('is the right person’s after a correction, and nobody’s while it is disputed', async () => {
    const [wrong, right] = [stage.person(), stage.person()];
    const linkId = await stage.established(wrong, stage.freshAccount());
    const ref = await refOf(linkId);
    await stage.asStaff('sato', 'POST', `links/${linkId}/dispute`, { pattern: 'not_mine', side: 'holder' });
    expect(await lookUp(ref)).toMatchObject(notFound);
    const links = [{ linkId, toPersonId: right }];
    const correction = { pattern: 'wrong_person', outcome: 'moved', links, evidence: 'file/2026/17' };
    const { changeId } = (await stage.asStaff('ito', 'POST', 'link-corrections', correction)).body;
    expect((await stage.asStaff('suzuki', 'POST', `link-changes/${changeId}/approve`)).status).toBe(200);
    expect((await lookUp(ref)).body.pairwiseId).toBe(`${right} at sim-pay`);
  });

  it('is told to no other provider, to no owner without a contract, and to no machine that speaks for none', async () => {
    const me = stage.person();
    const ref = await refOf(await stage.established(me, stage.freshAccount()));
    for (const claims of [
      { providerId: 'other-pay' },
      { providerId: 'no-pay' },
      { providerId: 'sim-pay', ownerId: 'osaka' },
      {},
    ])
      expect(await lookUp(ref, claims)).toMatchObject(notFound);
    expect((await lookUp(ref, { providerId: 'sim-pay', ownerId: 'tokyo' })).status).toBe(200);
    // The same account number at another provider is another account, and its person has another id there.
    const other = stage.person();
    const elsewhere = await stage.established(other, stage.freshAccount(), { providerId: 'other-pay' });
    const told = await lookUp(await refOf(elsewhere), { providerId: 'other-pay' });
    expect(told.body.pairwiseId).toBe(`${other} at other-pay`);
    for (const role of ['operator', 'support', 'kiosk', 'citizen'] as const) {
      const subject = role === 'citizen' ? me : 'somebody';
      const token = await stage.service.token({ role, subject });
      const body = { providerAccountRef: ref };
      const answer = await stage.service.call('POST', '/service-link/v1/pairwise-lookups', { token, body });
      expect(answer).toMatchObject({ status: 403, body: { code: 'auth.role_required' } });
    }
  });

  it('is told for links of the programmes that the owner sees', async () => {
    const ref = await refOf(
      await stage.established(stage.person(), stage.freshAccount(), { programmeId: 'tokyo-programme' }),
    );
    expect(await lookUp(ref)).toMatchObject(notFound);
    expect((await lookUp(ref, { providerId: 'sim-pay', ownerId: 'tokyo' })).status).toBe(200);
  });

  it('is not told before the link is established, nor of a reference that nobody has', async () => {
    const me = stage.person();
    const account = stage.freshAccount();
    const { body } = await stage.link(me, account, { programmeId: 'asking-programme' });
    expect(body.state).toBe('awaiting_confirmation');
    // As the simulated provider names its accounts: it knows the reference from the moment of its yes.
    const ref = `sp-${createHash('sha256').update(`sim-pay ${account}`).digest('hex').slice(0, 24)}`;
    expect(await lookUp(ref)).toMatchObject(notFound);
    await stage.as(me, 'POST', `links/${body.linkId}/confirm`);
    expect(await refOf(body.linkId)).toBe(ref);
    expect((await lookUp(ref)).status).toBe(200);
    expect(await lookUp(`${ref}0`)).toMatchObject(notFound);
    for (const bad of ['', 'x'.repeat(201), 'a\u0000b', 7, undefined]) expect((await lookUp(bad)).status).toBe(400);
  });

  it('of an erased person it is not found; an identity or exchange-settlement that does not answer is an outage', async () => {
    const ref = await refOf(await stage.established(stage.person(), stage.freshAccount()));
    const { pairwiseId } = stage.world;
    const { questions } = stage.service;
    const settlement = questions['exchange-settlement'] ?? (() => undefined);
    const unavailable = { status: 503, body: { code: 'service.unavailable' } };
    try {
      stage.world.pairwiseId = () => null;
      expect(await lookUp(ref)).toMatchObject(notFound);
      stage.world.pairwiseId = () => undefined;
      expect(await lookUp(ref)).toMatchObject(unavailable);
      stage.world.pairwiseId = () => {
        throw new Error('identity is away');
      };
      expect(await lookUp(ref)).toMatchObject(unavailable);
      stage.world.pairwiseId = pairwiseId;
      // As an earlier release answers: without the contracts.
      questions['exchange-settlement'] = () => ({ providerId: 'sim-pay', baseUrl: stage.world.baseUrl });
      expect(await lookUp(ref)).toMatchObject(unavailable);
      questions['exchange-settlement'] = () => {
        throw new Error('exchange-settlement is away');
      };
      expect(await lookUp(ref)).toMatchObject(unavailable);
    } finally {
      stage.world.pairwiseId = pairwiseId;
      questions['exchange-settlement'] = settlement;
    }
    expect((await lookUp(ref)).status).toBe(200);
  });

  it('each time is a log line with the link, without the reference, the person and the id', async () => {
    const me = stage.person();
    const linkId = await stage.established(me, stage.freshAccount());
    const ref = await refOf(linkId);
    await lookUp(ref);
    const line = stage.service.logLines.find((each) => each.look === 'pairwise' && each.linkId === linkId);
    expect(line).toMatchObject({ by: 'staff:pay-server', ownerId: 'demo' });
    const text = JSON.stringify(stage.service.logLines);
    for (const each of [ref, me]) expect(text.includes(each)).toBe(false);
  });
});
