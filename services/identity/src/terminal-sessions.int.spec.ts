import { newId } from '@tsunagu/kernel';
import { freshKeys } from '@tsunagu/testing';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
});
afterAll(() => identity.close());

let terminals = 0;
const freshTerminal = () => `counter-${terminals++}`;

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const programmeId = 'default';

/** A write at the terminal; its refusal when there is nothing to confirm shows that the proof was good. */
async function write(kiosk: string, terminalSessionId: string, proof?: object) {
  const body = { programmeId, terminalSessionId, ...(proof && { proof }) };
  return (await identity.service.call('POST', '/identity/v1/my-key-ids/confirm', { token: kiosk, body })).body.code;
}
const proofFor = (card: Parameters<TestIdentity['proof']>[0], terminalSessionId: string) =>
  identity.proof(card, 'confirm_my_key_id', { programmeId, terminalSessionId });

async function signals(ownerId = 'demo', role: 'support' | 'operator' = 'support') {
  const token = await identity.service.token({ role, ownerId });
  return (await identity.service.call('GET', '/identity/v1/signals', { token })).body.signals;
}

async function remove(kiosk: string, terminalSessionId: string) {
  const path = `/identity/v1/terminal-sessions/${terminalSessionId}`;
  return (await identity.service.call('DELETE', path, { token: kiosk })).status;
}

describe('a session at a terminal', () => {
  it('comes from one tap, for two minutes, with a token that names the terminal', async () => {
    const { card, personId, myKeyId } = await identity.citizen();
    const terminalId = freshTerminal();
    const { answer, kiosk } = await identity.tap(card, terminalId);
    expect(answer).toMatchObject({ status: 201, body: { tokenType: 'Bearer', person: { personId, myKeyId } } });
    const { sub, role, terminal, exp, iat } = claimsOf(answer.body.accessToken);
    expect([sub, role, terminal, exp - iat]).toEqual([personId, 'citizen', terminalId, 120]);
    const citizen = { token: answer.body.accessToken };
    expect((await identity.service.call('GET', '/identity/v1/my-key-ids', citizen)).status).toBe(200);
    const path = '/identity/v1/terminal-sessions';
    expect((await identity.service.call('POST', path, { ...citizen, body: {} })).status).toBe(403);
    expect((await identity.service.call('POST', path, { token: kiosk, body: {} })).status).toBe(400);
  });

  it('is not opened by a signature for another terminal, or for a session', async () => {
    const card = await identity.card();
    const token = await identity.service.token({ role: 'kiosk', subject: freshTerminal() });
    const attempt = async (proof: object) =>
      identity.service.call('POST', '/identity/v1/terminal-sessions', {
        token,
        body: { ...proof, certificate: card.certificate },
      });
    const elsewhere = await identity.proof(card, 'terminal_session', { terminalId: 'elsewhere' });
    expect((await attempt(elsewhere)).body.code).toBe('identity.fresh_proof_required');
    expect((await attempt(await identity.proof(card, 'session', {}))).body.code).toBe('identity.fresh_proof_required');
  });

  it('takes a fresh proof of its own card for every write', async () => {
    const { card } = await identity.citizen();
    const { kiosk, terminalSessionId } = await identity.tap(card);
    const proof = await proofFor(card, terminalSessionId);
    expect(await write(kiosk, terminalSessionId)).toBe('identity.fresh_proof_required');
    expect(await write(kiosk, terminalSessionId, proof)).toBe(undefined);
    expect(await write(kiosk, terminalSessionId, proof)).toBe('identity.challenge_used');
    const stranger = (await identity.citizen(await identity.card({ keys: freshKeys }))).card;
    expect(await write(kiosk, terminalSessionId, await proofFor(stranger, terminalSessionId))).toBe(
      'identity.signature_invalid',
    );
    expect(await write(kiosk, terminalSessionId, await proofFor(card, newId(1)))).toBe('identity.fresh_proof_required');
    const renewed = await identity.renew(card, { oldStaysValid: true, keys: freshKeys });
    await identity.session(renewed);
    expect(await write(kiosk, terminalSessionId, await proofFor(renewed, terminalSessionId))).toBe(
      'identity.signature_invalid',
    );
  });

  it('ends by removal, by time and by the next tap, and its token with it', async () => {
    const ended = 'identity.terminal_session_ended';
    const [{ card }, other] = [await identity.citizen(), await identity.citizen()];
    const terminalId = freshTerminal();
    const first = await identity.tap(card, terminalId);
    const read = (tap: typeof first) =>
      identity.service.call('GET', '/identity/v1/my-key-ids', { token: tap.answer.body.accessToken });
    const second = await identity.tap(other.card, terminalId);
    expect(await write(first.kiosk, first.terminalSessionId, await proofFor(card, first.terminalSessionId))).toBe(
      ended,
    );
    expect((await read(first)).status).toBe(401);
    expect((await read(second)).status).toBe(200);

    expect(await remove(second.kiosk, first.terminalSessionId)).toBe(204);
    expect((await read(second)).status).toBe(200);
    const elsewhere = await identity.service.token({ role: 'kiosk', subject: freshTerminal() });
    expect(await remove(elsewhere, second.terminalSessionId)).toBe(404);
    expect(await write(elsewhere, second.terminalSessionId)).toBe(ended);
    expect(await remove(second.kiosk, second.terminalSessionId)).toBe(204);
    expect(await remove(second.kiosk, second.terminalSessionId)).toBe(204);
    expect((await read(second)).status).toBe(401);
    expect(await write(second.kiosk, second.terminalSessionId)).toBe(ended);

    const third = await identity.tap(card, terminalId);
    identity.service.clock.forward(120_000);
    const late = await proofFor(card, third.terminalSessionId);
    expect(await write(third.kiosk, third.terminalSessionId, late)).toBe(ended);
    expect((await read(third)).status).toBe(401);
  });

  it('lasts over midnight', async () => {
    identity.service.clock.set('2026-12-24T14:59:30.000Z');
    const { card } = await identity.citizen();
    const { kiosk, terminalSessionId } = await identity.tap(card);
    identity.service.clock.set('2026-12-24T15:00:30.000Z');
    expect(await write(kiosk, terminalSessionId, await proofFor(card, terminalSessionId))).toBe(undefined);
    expect(await remove(kiosk, terminalSessionId)).toBe(204);
    expect(await write(kiosk, terminalSessionId)).toBe('identity.terminal_session_ended');
  });
});

describe('a signal', () => {
  it('tells the owner’s staff of two cards at one terminal within seconds, and of no others', async () => {
    const [a, b] = [await identity.citizen(), await identity.citizen()];
    const terminalId = freshTerminal();
    const before = (await signals()).length;
    await identity.tap(a.card, terminalId);
    await identity.tap(a.card, terminalId);
    await identity.tap(b.card, freshTerminal());
    expect(await signals()).toHaveLength(before);
    await identity.tap(b.card, terminalId);
    const [newest, ...older] = await signals();
    expect(newest).toMatchObject({
      kind: 'two_cards',
      terminalId,
      firstPersonId: a.personId,
      secondPersonId: b.personId,
    });
    expect(older).toHaveLength(before);
    expect(await signals('another-town', 'operator')).toEqual([]);
    const citizen = await identity.service.call('GET', '/identity/v1/signals', { token: a.token });
    expect(citizen.status).toBe(403);
  });
});
