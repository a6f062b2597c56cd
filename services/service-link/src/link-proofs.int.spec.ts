import { newId } from '@tsunagu/kernel';
import { loadOrCreateKey, signAccessToken } from '@tsunagu/service-host';
import { type LinkStage, startLinkStage } from './test-link-stage.js';

const proof = { challengeId: newId(1), signature: Buffer.from('signed').toString('base64') };
const freshProofRequired = { status: 403, body: { code: 'identity.fresh_proof_required' } };

describe('a link that is proved by the card', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage();
  });
  afterAll(() => stage.close());
  beforeEach(() => {
    stage.world.proofs.length = 0;
    stage.world.proofAnswer = { ok: true };
  });

  const confirm = (personId: string, linkId: string, body?: object) =>
    stage.as(personId, 'POST', `links/${linkId}/confirm`, body);
  const asked = (personId: string, purpose: string, operation: object) => ({
    personId,
    purpose,
    operation,
    level: 'signed',
    ...proof,
  });

  it('is confirmed with a proof where the programme asks for it, and only with one that identity accepts', async () => {
    const me = stage.person();
    const { body } = await stage.link(me, stage.freshAccount(), { programmeId: 'proving-programme' });
    expect(body).toMatchObject({ state: 'awaiting_confirmation', maskedName: '試＊ 見＊' });
    expect(await confirm(me, body.linkId)).toMatchObject(freshProofRequired);
    expect(await confirm(me, body.linkId, { proof: { challengeId: 'x' } })).toMatchObject({ status: 400 });
    stage.world.proofAnswer = { ok: false, code: 'identity.signature_invalid' };
    expect((await confirm(me, body.linkId, { proof })).body.code).toBe('identity.signature_invalid');
    stage.world.proofAnswer = { ok: false, code: 'identity.revocation_unavailable', retryAfterSeconds: 5 };
    expect((await confirm(me, body.linkId, { proof })).status).toBe(503);
    expect((await stage.read(me, body.linkId)).body.state).toBe('awaiting_confirmation');
    stage.world.proofAnswer = { ok: true };
    expect(await confirm(me, body.linkId, { proof })).toMatchObject({ status: 200, body: { state: 'established' } });
    expect(stage.world.proofs.at(-1)).toEqual(asked(me, 'service_link.confirm', { linkId: body.linkId }));
    expect(stage.world.proofs).toHaveLength(3);
    // A repetition asks for no further tap.
    expect((await confirm(me, body.linkId)).body.state).toBe('established');
  });

  it('at a terminal every act needs one, the confirmation again, and codes count for the terminal', async () => {
    const me = stage.person();
    const plain = stage.tokenOf;
    const key = await loadOrCreateKey(stage.service.keyDirectory, 'citizen', 'RS256');
    stage.tokenOf = (subject) =>
      signAccessToken(key, { subject, role: 'citizen', ttlSeconds: 120, terminalId: 'kiosk-7' }, stage.service.clock);
    try {
      const account = stage.freshAccount();
      expect(await stage.link(me, account)).toMatchObject(freshProofRequired);
      const { body } = await stage.link(me, account, { proof });
      const operation = { providerId: 'sim-pay', providerAccountId: account, programmeId: 'default' };
      expect(stage.world.proofs).toEqual([asked(me, 'service_link.request', operation)]);
      expect(body).toMatchObject({ state: 'awaiting_confirmation', maskedName: '試＊ 見＊' });
      expect(await confirm(me, body.linkId)).toMatchObject(freshProofRequired);
      expect((await confirm(me, body.linkId, { proof })).body.state).toBe('established');
      const { linkId } = body;
      const fresh = stage.freshAccount();
      const typed = { providerAccountId: fresh, securityCode: fresh.slice(-4) };
      const replace = (more: object) =>
        stage.as(me, 'POST', `links/${linkId}/replace`, { ...typed, ...more }, { 'idempotency-key': newId(1) });
      expect(await replace({})).toMatchObject(freshProofRequired);
      expect((await replace({ proof })).body.state).toBe('established');
      expect(await stage.as(me, 'POST', `links/${linkId}/end`)).toMatchObject(freshProofRequired);
      expect((await stage.as(me, 'POST', `links/${linkId}/end`, { proof })).body.state).toBe('ended');
      await stage.link(stage.person(), stage.freshAccount(), { proof, securityCode: 'wrong' });
      const counted = await stage.service.pool.query(`select 1 from code_attempts where terminal_id = 'kiosk-7'`);
      expect(counted.rowCount).toBe(1);
    } finally {
      stage.tokenOf = plain;
    }
  });

  it('is not changed while its person is frozen, neither by a guardian; it can still be disputed', async () => {
    const [me, child] = [stage.person(), stage.person()];
    const linkId = await stage.established(me, stage.freshAccount());
    const frozen = { status: 403, body: { code: 'identity.frozen' } };
    stage.world.frozen.add(me).add(child);
    expect(await stage.as(me, 'POST', `links/${linkId}/end`)).toMatchObject(frozen);
    const guardian = stage.person();
    stage.world.isFifteen.set(child, 'no');
    const body = { childPersonId: child, guardianPersonId: guardian, evidence: 'family/8' };
    const { changeId } = (await stage.asStaff('ito', 'POST', 'guardians', body)).body;
    await stage.asStaff('suzuki', 'POST', `link-changes/${changeId}/approve`);
    expect(await stage.link(guardian, stage.freshAccount(), { onBehalfOf: child })).toMatchObject(frozen);
    const disputed = await stage.as(me, 'POST', `links/${linkId}/dispute`, { pattern: 'not_mine' });
    expect(disputed.body).toMatchObject({ state: 'disputed' });
  });
});
