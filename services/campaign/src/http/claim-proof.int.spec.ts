import { type Stage, startStage } from '../test-stage.js';

const eventId = '019ab3f0-6c00-7000-8000-0000000000e1';
const leaf = '{"type":"PointsGranted"}';

let stage: Stage;
let campaign: Awaited<ReturnType<Stage['open']>>;
beforeAll(async () => {
  stage = await startStage({ TSUNAGU_HEAD_SECONDS: '1' });
  campaign = await stage.open();
});
afterAll(() => stage.service.close());

async function claimed() {
  const person = await stage.person();
  const { body } = await stage.claim(campaign, person.token);
  const position = await stage.service.log.head();
  return { ...person, claimId: String(body.claimId), position };
}

/** The ledger's recorded answer, and what it says when it is asked to prove it. */
function ledgerAnswers(claimId: string, proof: unknown): string[] {
  const asked: string[] = [];
  stage.outside.grants.set(claimId, { state: 'granted', event: { id: eventId, log: 3, position: 77 } as never });
  const rest = stage.service.questions['point-ledger'];
  stage.service.questions['point-ledger'] = (path, body) => {
    if (!path.startsWith('log/')) return rest?.(path, body);
    asked.push(path);
    return proof;
  };
  return asked;
}

async function signed(position: number): Promise<void> {
  const size = async () => (await stage.get('/log')).body.logs[0].size;
  while ((await size()) < position) stage.service.clock.forward(100);
}

test('the person and an auditor of the owner get the claim with its proof', async () => {
  const { claimId, token, position } = await claimed();
  await signed(position);
  const auditor = await stage.service.token({ role: 'auditor', subject: 'inspector', ownerId: 'demo' });
  for (const bearer of [token, auditor]) {
    const { status, body, headers } = await stage.get(`/claims/${claimId}/proof`, bearer);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({
      claimId,
      events: [{ type: 'ClaimAccepted', position, origin: 'tsunagu.local/campaign/0' }],
    });
    expect(JSON.parse(JSON.parse(body.events[0].leaf).data)).toMatchObject({ claimId });
    expect(body.events[0].checkpoint).toContain('— tsunagu.local/campaign/0 ');
  }
  const looks = stage.service.logLines.filter(
    ({ msg, actor }) => msg === 'claim looked at' && actor === 'staff:inspector',
  );
  expect(looks).toHaveLength(1);
});

test("the ledger's answer comes with the ledger's proof", async () => {
  const { claimId, token, position } = await claimed();
  await signed(position);
  const value = { origin: 'tsunagu.local/point-ledger/3', position: 77, leaf, proof: [], checkpoint: 'note' };
  const asked = ledgerAnswers(claimId, { ok: true, value });
  const { body } = await stage.get(`/claims/${claimId}/proof`, token);
  expect(body.events[1]).toEqual({ type: 'PointsGranted', ...value });
  expect(asked).toEqual(['log/proof?log=3&position=77']);
});

test.each(['log.not_signed_yet', 'log.record_changed'])('what the ledger refuses is refused: %s', async (code) => {
  const { claimId, token, position } = await claimed();
  await signed(position);
  ledgerAnswers(claimId, { ok: false, refusal: { code } });
  const { status, body } = await stage.get(`/claims/${claimId}/proof`, token);
  expect([status, body.code]).toEqual([409, code]);
});

test('503 while the ledger does not answer', async () => {
  const { claimId, token, position } = await claimed();
  await signed(position);
  stage.outside.ledgerIsDown = true;
  const { status, body } = await stage.get(`/claims/${claimId}/proof`, token);
  stage.outside.ledgerIsDown = false;
  expect([status, body.code]).toEqual([503, 'service.unavailable']);
});

test('does not exist for another person, another owner, no claim; not for the other roles', async () => {
  const { claimId } = await claimed();
  const path = `/claims/${claimId}/proof`;
  const others = await stage.service.token({ role: 'auditor', ownerId: 'tokyo' });
  expect((await stage.get(path, (await stage.person()).token)).status).toBe(404);
  expect((await stage.get(path, others)).status).toBe(404);
  const { token } = await stage.person();
  for (const id of ['x', eventId, '%00', '..%2f'])
    expect((await stage.get(`/claims/${id}/proof`, token)).status).toBe(404);
  for (const role of ['operator', 'support', 'finance', 'kiosk'] as const) {
    const staff = await stage.service.token({ role, ownerId: 'demo' });
    expect((await stage.get(path, staff)).body.code).toBe('auth.role_required');
  }
  expect((await stage.get(path)).body.code).toBe('auth.token_invalid');
});

test('409 until a head is signed over the claim', async () => {
  const slow = await startStage({ TSUNAGU_HEAD_SECONDS: '3600' });
  const open = await slow.open();
  // The first head comes at once, the next in an hour.
  while ((await slow.get('/log')).body.logs[0].size === 0);
  const { token } = await slow.person();
  const { body } = await slow.claim(open, token);
  const refused = await slow.get(`/claims/${body.claimId}/proof`, token);
  await slow.service.close();
  expect([refused.status, refused.body.code, refused.body.retryAfterSeconds]).toEqual([
    409,
    'log.not_signed_yet',
    3_600,
  ]);
});
