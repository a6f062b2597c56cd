import { newId } from '@tsunagu/kernel';
import { loadOrCreateKey, loadOrCreateSecret, signAccessToken } from '@tsunagu/service-host';
import { secretKey, VaultMasters } from '@tsunagu/vault';
import { LinkVault, vaultUse } from './outbound/link-vault.js';
import { dumpOf, type LinkStage, startLinkStage } from './test-link-stage.js';

const page = 'https://app.example/links/return';
const other = 'https://app.example/other?tab=1';

describe('a link over the page of the provider', () => {
  let stage: LinkStage;
  beforeAll(async () => {
    stage = await startLinkStage({ TSUNAGU_LINK_RETURN_URLS: `${page}, ${other}` });
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    stage.world.providerIsUp = true;
    await faults('none');
  });

  const faults = (mode: string) =>
    fetch(`${stage.world.baseUrl}/faults`, { method: 'PUT', body: JSON.stringify({ mode }) });
  const begin = (personId: string, more: object = {}) =>
    stage.as(
      personId,
      'POST',
      'links',
      { providerId: 'sim-pay', method: 'redirect', ...more },
      {
        'idempotency-key': newId(1),
      },
    );
  /** What the person does in the browser; the query that it is sent back with, none where it is not. */
  async function visit(url: string, form: Record<string, string>): Promise<Record<string, string> | undefined> {
    expect(await (await fetch(url)).text()).toContain('Account number');
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
    const location = answer.headers.get('location');
    if (answer.status !== 303 || location === null) return undefined;
    expect(location.startsWith(page)).toBe(true);
    return Object.fromEntries(new URL(location).searchParams);
  }
  const comeBack = (personId: string, linkId: string, body: unknown) =>
    stage.as(personId, 'POST', `links/${linkId}/return`, body);
  const wrongState = { status: 409, body: { code: 'service_link.wrong_state' } };

  it('is established when the person comes back with state and code; the provider page’s secrets are deleted', async () => {
    const me = stage.person();
    const begun = await begin(me);
    expect(begun).toMatchObject({ status: 202, body: { state: 'requested' } });
    const { linkId, authorizationUrl, expiresAt } = begun.body;
    expect(Date.parse(expiresAt)).toBeGreaterThan(stage.service.clock.now());
    expect((await stage.read(me, linkId)).body.authorizationUrl).toBe(authorizationUrl);
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    expect(back?.state?.startsWith(`${linkId}.`)).toBe(true);
    const done = await comeBack(me, linkId, back);
    expect(done).toMatchObject({ status: 200, body: { state: 'established', maskedName: '試＊ 見＊' } });
    expect(done.body).not.toHaveProperty('authorizationUrl');
    expect((await stage.asked(linkId)).body.providerAccountRef).toMatch(/^sp-/);
    expect(await stage.vaultRows(linkId)).toEqual({ secrets: 0, accounts: 1 });
    expect(await comeBack(me, linkId, back)).toMatchObject(wrongState);
  });

  it('is told again by its key while it is open; what is kept of the answer does not hold the visit’s state', async () => {
    const me = stage.person();
    const key = newId(1);
    const ask = () =>
      stage.as(me, 'POST', 'links', { providerId: 'sim-pay', method: 'redirect' }, { 'idempotency-key': key });
    const first = await ask();
    const again = await ask();
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const { linkId, authorizationUrl } = first.body;
    const state = new URL(authorizationUrl).searchParams.get('state') ?? '';
    expect(state.length).toBeGreaterThan(40);
    const dump = await dumpOf(stage);
    for (const secret of [state, encodeURIComponent(state)]) expect(dump).not.toContain(secret);
    await comeBack(me, linkId, await visit(authorizationUrl, { account: stage.freshAccount() }));
    const { authorizationUrl: _, ...kept } = first.body;
    expect((await ask()).body).toEqual(kept);
    const typed = stage.freshAccount();
    const order = { programmeId: 'many-programme' };
    const own = newId(1);
    const linked = await stage.link(me, typed, order, own);
    expect(linked.body.maskedName).toBe('試＊ 見＊');
    expect((await stage.link(me, typed, order, own)).body).toEqual(linked.body);
    expect(await dumpOf(stage)).not.toContain('試＊ 見＊');
  });

  it('waits for the person as well where the programme asks for it', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me, { programmeId: 'asking-programme' })).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    expect((await comeBack(me, linkId, back)).body.state).toBe('awaiting_confirmation');
    expect((await stage.as(me, 'POST', `links/${linkId}/confirm`)).body.state).toBe('established');
  });

  it('goes on though the browser never came back: the provider is asked, and the person looks at the account', async () => {
    await faults('no_return');
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    expect(await visit(authorizationUrl, { account: stage.freshAccount() })).toBeUndefined();
    // The first retry comes after 2 s, on the real clock.
    const waiting = await stage.read(me, linkId, 8);
    expect(waiting.body).toMatchObject({ state: 'awaiting_confirmation', maskedName: '試＊ 見＊' });
    expect((await stage.as(me, 'POST', `links/${linkId}/confirm`)).body.state).toBe('established');
  });

  it('a return that comes after the provider was asked is the person’s own word', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    expect((await stage.read(me, linkId, 8)).body.state).toBe('awaiting_confirmation');
    expect((await comeBack(me, linkId, back)).body.state).toBe('established');
  });

  it('is refused when the person says no there, by the word of the provider', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { answer: 'deny' });
    expect(back?.error).toBe('access_denied');
    await comeBack(me, linkId, { state: back?.state });
    expect((await stage.read(me, linkId)).body).toMatchObject({ state: 'refused', reasonCode: 'denied_by_person' });
    expect(await stage.vaultRows(linkId)).toEqual({ secrets: 0, accounts: 0 });
  });

  it('expires when nobody finishes it', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(`${authorizationUrl}`, { account: stage.freshAccount() });
    stage.world.providerIsUp = false;
    stage.service.clock.forward(24 * 3_600_000);
    expect(await comeBack(me, linkId, back)).toMatchObject(wrongState);
    const refused = await stage.read(me, linkId, 8);
    expect(refused.body).toMatchObject({ state: 'refused', reasonCode: 'confirmation_expired' });
  });

  it('takes one return: no other state, and no code of another link', async () => {
    const me = stage.person();
    const programmeId = 'many-programme';
    const first = (await begin(me, { programmeId })).body;
    const second = (await begin(me, { programmeId })).body;
    const back = await visit(first.authorizationUrl, { account: stage.freshAccount() });
    expect(await comeBack(me, first.linkId, { ...back, state: `${first.linkId}.x` })).toMatchObject({
      status: 422,
      body: { code: 'service_link.return_state_wrong' },
    });
    const ownState = new URL(second.authorizationUrl).searchParams.get('state');
    const crossed = await comeBack(me, second.linkId, { state: ownState, code: back?.code });
    expect(crossed.body).toMatchObject({ state: 'refused', reasonCode: 'code_not_accepted' });
    expect((await comeBack(me, first.linkId, back)).body.state).toBe('established');
  });

  it('a visit that somebody else began with the id of the link counts for nothing, neither by the link nor by its code', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const forged = new URL(authorizationUrl);
    forged.searchParams.set('code_challenge', 'a-challenge-of-somebody-else');
    const back = await visit(forged.href, { account: stage.freshAccount() });
    expect((await comeBack(me, linkId, { state: back?.state })).body.state).toBe('requested');
    // The verifier of the link does not fit the challenge that the code was given for.
    const redeemed = await comeBack(me, linkId, back);
    expect(redeemed.body).toMatchObject({ state: 'refused', reasonCode: 'code_not_accepted' });
  });

  it('is finished by whoever began it and by nobody else, and not while they are frozen', async () => {
    const [me, stranger] = [stage.person(), stage.person()];
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    expect((await comeBack(stranger, linkId, back)).status).toBe(404);
    expect((await comeBack(me, 'not-an-id', back)).status).toBe(404);
    const staff = await stage.asStaff('ito', 'POST', `links/${linkId}/return`, back);
    expect(staff).toMatchObject({ status: 403, body: { code: 'auth.role_required' } });
    stage.world.frozen.add(me);
    expect(await comeBack(me, linkId, back)).toMatchObject({ status: 403, body: { code: 'identity.frozen' } });
    stage.world.frozen.delete(me);
    expect((await comeBack(me, linkId, back)).body.state).toBe('established');
  });

  it('is neither begun nor finished at a terminal, nor shown there', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    const plain = stage.tokenOf;
    const key = await loadOrCreateKey(stage.service.keyDirectory, 'citizen', 'RS256');
    stage.tokenOf = (subject) =>
      signAccessToken(key, { subject, role: 'citizen', ttlSeconds: 120, terminalId: 'kiosk-7' }, stage.service.clock);
    const refused = { status: 403, body: { code: 'service_link.redirect_not_at_terminal' } };
    try {
      expect(await begin(me, { programmeId: 'many-programme' })).toMatchObject(refused);
      expect(await comeBack(me, linkId, back)).toMatchObject(refused);
      expect((await stage.read(me, linkId)).body).not.toHaveProperty('authorizationUrl');
    } finally {
      stage.tokenOf = plain;
    }
  });

  it('one account has one person, whichever way it was linked', async () => {
    const [byCode, byPage] = [stage.freshAccount(), stage.freshAccount()];
    await stage.established(stage.person(), byCode);
    const second = stage.person();
    const begun = (await begin(second)).body;
    const taken = await comeBack(second, begun.linkId, await visit(begun.authorizationUrl, { account: byCode }));
    expect(taken.body).toMatchObject({ state: 'refused', reasonCode: 'account_taken' });
    const holder = stage.person();
    const held = (await begin(holder)).body;
    await comeBack(holder, held.linkId, await visit(held.authorizationUrl, { account: byPage }));
    const late = await stage.link(stage.person(), byPage);
    expect(late.body).toMatchObject({ state: 'refused', reasonCode: 'account_taken' });
  });

  it('staff find whose it is by the provider’s own reference, and by a number that another link of the account was given', async () => {
    const [me, account] = [stage.person(), stage.freshAccount()];
    const begun = (await begin(me, { programmeId: 'many-programme' })).body;
    await comeBack(me, begun.linkId, await visit(begun.authorizationUrl, { account }));
    const { providerAccountRef } = (await stage.asked(begun.linkId)).body;
    const lookUp = async (providerAccountId: string, providerId = 'sim-pay') =>
      (await stage.asStaff('ito', 'POST', 'account-lookups', { providerId, providerAccountId })).body.links;
    const byPage = { linkId: begun.linkId, personId: me, state: 'established' };
    expect(await lookUp(providerAccountRef)).toMatchObject([byPage]);
    expect(await lookUp(providerAccountRef, 'other-pay')).toEqual([]);
    // The number was typed on the provider's page only.
    expect(await lookUp(account)).toEqual([]);
    const linkId = await stage.established(me, account);
    for (const asked of [account, providerAccountRef])
      expect(await lookUp(asked)).toMatchObject([{ linkId, personId: me }, byPage]);
    const lines = stage.service.logLines.filter(({ look }) => look === 'account');
    expect(lines.at(-1)).toMatchObject({ by: 'staff:ito', linkIds: [linkId, begun.linkId] });
  });

  it('a return is worked on later where the provider gave no answer to it', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    stage.world.providerIsUp = false;
    expect((await comeBack(me, linkId, back)).body.state).toBe('requested');
    expect((await comeBack(me, linkId, { ...back, code: 'another' })).body.code).toBe('service_link.wrong_state');
    stage.world.providerIsUp = true;
    expect((await comeBack(me, linkId, back)).body.state).toBe('established');
  });

  it('a return that was kept by a process which stopped then is worked on without its person', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    const { pool, keyDirectory } = stage.service;
    const masters = await VaultMasters.open(pool, keyDirectory, vaultUse);
    const hashKey = secretKey(await loadOrCreateSecret(keyDirectory, 'service-link-accounts'));
    const vault = new LinkVault(pool, masters, hashKey);
    expect(await vault.takeReturn(linkId, back?.state ?? '', back?.code ?? null)).toBe('kept');
    expect((await stage.read(me, linkId)).body).not.toHaveProperty('authorizationUrl');
    expect((await stage.read(me, linkId, 8)).body.state).toBe('established');
    // Tidying follows the last event.
    while ((await stage.vaultRows(linkId)).secrets !== 0)
      await stage.service.log.waitForAppend(await stage.service.log.head(), 100);
    expect(await vault.takeReturn(linkId, back?.state ?? '', null)).toBe('gone');
  });

  it.each([
    ['an account id', { providerAccountId: '12345678' }, ['providerAccountId']],
    ['a code', { securityCode: '5678' }, ['securityCode']],
    [
      'a page but the other method',
      { method: 'code', providerAccountId: '12345678', securityCode: '5678', returnTo: page },
      ['returnTo'],
    ],
    ['the other method alone', { method: null }, ['providerAccountId', 'securityCode']],
  ])('refuses a body that mixes the methods: %s', async (_name, more, fields) => {
    const errors = fields.map((field) => ({ field }));
    expect(await begin(stage.person(), more)).toMatchObject({ status: 400, body: { errors } });
  });

  it('returns to the pages that are set up only, letter by letter', async () => {
    const me = stage.person();
    for (const returnTo of [`${page}/`, 'https://app.example', 'https://evil.example/links/return'])
      expect(await begin(me, { returnTo })).toMatchObject({
        status: 422,
        body: { code: 'service_link.return_not_allowed' },
      });
    const { authorizationUrl } = (await begin(me, { returnTo: other })).body;
    expect(new URL(authorizationUrl).searchParams.get('redirect_uri')).toBe(other);
  });

  it('neither log nor log lines hold an account number, a state, a code or a verifier', async () => {
    const me = stage.person();
    const { linkId, authorizationUrl } = (await begin(me)).body;
    const back = await visit(authorizationUrl, { account: stage.freshAccount() });
    await comeBack(me, linkId, back);
    const { events } = await stage.service.log.readLog({ after: 0, limit: 100_000 });
    const text = JSON.stringify(events) + JSON.stringify(stage.service.logLines);
    expect(text).toContain(linkId);
    for (const secret of [...stage.accounts(), back?.state, back?.code]) expect(text.includes(`${secret}`)).toBe(false);
    expect(text).not.toMatch(/codeVerifier|code_challenge|sp-[0-9a-f]{24}/);
  });

  it('ten open ones a day for a person', async () => {
    const me = stage.person();
    for (let time = 0; time < 10; time += 1) expect((await begin(me)).status).toBe(202);
    expect((await begin(me)).body.code).toBe('service_link.too_many_attempts');
  });
});
