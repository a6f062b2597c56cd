import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { type Card, IssuerStore, renewCard } from '@tsunagu/testing';
import { SignJWT } from 'jose';
import { establishedLink, grant, type Launched, launchCampaign, untilState } from './launch.js';
import { answerJson, confirmed, LocalProvider } from './local-provider.js';
import { listen, Outgoing, secretsTold, sharedIds } from './outgoing.js';
import { People, signed } from './people.js';
import { type Secret, secret } from './personal-data-scan.js';
import { PlatformProcess } from './platform-process.js';

const persons = 3;
const page = 'https://app.example/return';

describe('the look for what two parties were both told', () => {
  const party = (name: string, texts: readonly string[]) => {
    const outgoing = new Outgoing(name);
    for (const [person, text] of texts.entries()) {
      outgoing.person = person;
      outgoing.record('a call', text);
    }
    return outgoing;
  };

  it('finds an id that both saw, in a header, an address, a body or a token, and nothing that is said of everybody', () => {
    const token = ['{"alg":"EdDSA"}', '{"member":"0123456789abcdef"}', 'signature-of-it']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    const here = ['x-person: 0123456789abcdef', '/account/0123456789abcdef?x=1', '{"id":"0123456789abcdef"}', token];
    for (const text of here) {
      const one = party('one', [
        `keyid provider-1 ${text} 2026-11-30T10:00:00.000Z created=1796000000`,
        'keyid provider-1',
      ]);
      const other = party('other', [
        'keyid provider-1 id=0123456789abcdef 2026-11-30T10:00:00.000Z created=1796000000',
        'x',
      ]);
      expect(sharedIds(one, other, 0)).toEqual(['0123456789abcdef by one, other']);
      expect(sharedIds(one, other, 1)).toEqual([]);
    }
    const told = party('one', [`{"jws":"${token}"}`]);
    expect(secretsTold([told], [secret('the id', '0123456789abcdef')])).toEqual(['the id in a call to one']);
  });
});

describe('what goes out to two providers and a member service on the whole way of several persons', () => {
  let platform: PlatformProcess;
  let people: People;
  let launched: Launched;
  let operator: string;
  let hook: Awaited<ReturnType<typeof listen>>;
  let providers: readonly Provider[];
  const library = new Outgoing('library');
  const secrets: Secret[] = [];
  /** By person: what each party was told to call them. */
  const pairwise: { first: string; second: string; library: string }[] = [];

  beforeAll(async () => {
    const environment = { TSUNAGU_LINK_RETURN_URLS: page, TSUNAGU_WEBHOOK_EVERY_MS: '50' };
    platform = await PlatformProcess.create({ environment });
    await platform.start();
    people = People.of(platform);
    operator = await people.staff('operator');
    launched = await launchCampaign(platform.api, operator, { fundPoints: 100_000, amountPoints: 3_000 });
    const programme = { name: 'Both', providersPerPerson: 'many', linkConfirmation: 'none', linkChange: 'allowed' };
    const body = { programmeId: 'both', ...programme };
    await platform.api.expect(201, 'POST', '/campaign/v1/programmes', { token: operator, body });
    hook = await listen(async (request) => {
      await library.recordRequest(request);
      return 204;
    });
    const put = (path: string, wish: object) =>
      platform.api.expect(200, 'PUT', `/identity/v1/member-services/${path}`, { token: operator, body: wish });
    await put('library', { name: 'Library' });
    await put('library/feed', { legalBasis: 'Ordinance 1, article 2' });
    await put('library/webhook', { url: hook.url });
    providers = await Promise.all(['first-pay', 'second-pay'].map((name) => startProvider(name)));
  }, 90_000);
  afterAll(async () => {
    hook?.close();
    await Promise.all((providers ?? []).map(({ server }) => server.close()));
    await platform?.remove();
  });

  interface Provider {
    readonly outgoing: Outgoing;
    readonly server: LocalProvider;
    /** What it calls the account that it confirmed last. */
    lastRef: string;
    /** Its own machine asks who has the account. */
    lookUp(providerAccountRef: string): Promise<{ status: number; body: Record<string, unknown> }>;
    /** A token of its own machine. */
    token(): Promise<string>;
  }

  /** Says yes to every account, and has a page of its own whose code is the address that it was opened by. */
  async function startProvider(providerId: string): Promise<Provider> {
    const outgoing = new Outgoing(providerId);
    const challenges = new Map<string, string>();
    const server = await LocalProvider.listen(providerId, (call, response, request) => {
      void outgoing.recordRequest(request).then(() => {
        const query = new URLSearchParams(call.split('?')[1]);
        if (call.startsWith('GET /authorize')) {
          challenges.set(query.get('link_id') ?? '', query.get('code_challenge') ?? '');
          return response.writeHead(204).end();
        }
        if (call.startsWith('GET /account-authorizations')) return answerJson(response, 404, {});
        if (call.startsWith('POST /account-')) {
          provider.lastRef = `${providerId}-${randomUUID()}`;
          return confirmed(response, provider.lastRef);
        }
        const creditedAt = new Date().toISOString();
        answerJson(response, 200, { state: 'credited', providerReference: randomUUID(), creditedAt });
      });
    });
    await server.register(platform.api, operator);
    const key = await machineOf(providerId);
    const provider: Provider = {
      outgoing,
      server,
      lastRef: '',
      async lookUp(providerAccountRef) {
        const response = await post(
          '/service-link/v1/pairwise-lookups',
          { providerAccountRef },
          await provider.token(),
        );
        return outgoing.recordAnswer('pairwise-lookups', response);
      },
      async token() {
        const answered = await post('/identity/v1/token', await assertionOf(`${providerId}-server`, key));
        return String((await outgoing.recordAnswer('token', answered)).body.access_token);
      },
    };
    return provider;
  }

  async function machineOf(providerId: string): Promise<KeyObject> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }];
    const body = { clientId: `${providerId}-server`, role: 'partner', keys, providerId };
    await platform.api.expect(201, 'POST', '/identity/v1/clients', { token: operator, body });
    return privateKey;
  }

  async function assertionOf(clientId: string, key: KeyObject): Promise<object> {
    const exp = Math.floor((await people.nowMs()) / 1_000) + 60;
    const claims = { iss: clientId, sub: clientId, aud: 'tsunagu', exp, jti: randomUUID() };
    return {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: 'k1' }).sign(key),
    };
  }

  function post(path: string, body: object, token?: string): Promise<Response> {
    const headers: Record<string, string> = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    return fetch(platform.api.baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  async function challenge(purpose: string, operation: object): Promise<{ challengeId: string; nonce: string }> {
    return platform.api.expect(201, 'POST', '/identity/v1/challenges', { body: { purpose, operation } });
  }

  async function proof(card: Card, purpose: string, operation: object) {
    const { challengeId, nonce } = await challenge(purpose, operation);
    return { challengeId, signature: signed(card.privateKey, nonce) };
  }

  /** The person's session at the counter is the platform's own; the library is told what its registration answers. */
  async function register(card: Card, serviceId: string): Promise<string> {
    const kiosk = await people.staff('kiosk', { subject: 'library-desk' });
    const tap = {
      ...(await proof(card, 'terminal_session', { terminalId: 'library-desk' })),
      certificate: card.certificate,
    };
    const { terminalSessionId } = await platform.api.expect<{ terminalSessionId: string }>(
      201,
      'POST',
      '/identity/v1/terminal-sessions',
      { token: kiosk, body: tap },
    );
    const shown = { service: 'library', serviceId, terminalSessionId };
    const body = { ...shown, proof: await proof(card, 'register_membership', shown) };
    const { status, body: told } = await library.recordAnswer(
      'memberships',
      await post('/identity/v1/memberships', body, kiosk),
    );
    expect([status, told.state]).toEqual([201, 'registered']);
    return String(told.pairwiseId);
  }

  async function lookUp(card: Card): Promise<string> {
    const kiosk = await people.staff('kiosk', { subject: 'book-lender' });
    const { challengeId } = await challenge('lookup_membership', { service: 'library' });
    const body = { service: 'library', challengeId, certificate: card.certificate };
    const answer = await library.recordAnswer('lookup', await post('/identity/v1/memberships/lookup', body, kiosk));
    expect(answer.status).toBe(200);
    return String(answer.body.pairwiseId);
  }

  async function endMembership(card: Card, token: string, serviceId: string): Promise<void> {
    const body = { service: 'library', proof: await proof(card, 'end_membership', { service: 'library' }) };
    await platform.api.expect(204, 'POST', '/identity/v1/memberships/end', { token, body });
    await library.until(serviceId);
    const headers = { authorization: `Bearer ${await people.staff('partner', { subject: 'library-server' })}` };
    for (const path of ['membership-feed?service=library', 'member-services/library'])
      await library.recordAnswer(path, await fetch(`${platform.api.baseUrl}/identity/v1/${path}`, { headers }));
  }

  async function linkByCode(token: string, providerId: string): Promise<string> {
    const account = randomUUID();
    const order = { providerId, providerAccountId: account, securityCode: 'code-of-it', programmeId: 'both' };
    return establishedLink(platform.api, token, order);
  }

  async function linkByPage(token: string, providerId: string): Promise<string> {
    const body = { providerId, method: 'redirect', programmeId: 'both' };
    const begun = await platform.api.expect<{ linkId: string; authorizationUrl: string }>(
      202,
      'POST',
      '/service-link/v1/links',
      { token, body },
    );
    await fetch(begun.authorizationUrl);
    const state = new URL(begun.authorizationUrl).searchParams.get('state');
    const path = `/service-link/v1/links/${begun.linkId}`;
    await platform.api.expect(200, 'POST', `${path}/return`, { token, body: { state, code: randomUUID() } });
    expect((await untilState(platform.api, path, token, ['established', 'refused'])).state).toBe('established');
    return begun.linkId;
  }

  async function exchange(token: string, linkId: string): Promise<void> {
    const body = { linkId, points: 500 };
    const { exchangeId } = await platform.api.expect<{ exchangeId: string }>(202, 'POST', '/exchange/v1/exchanges', {
      token,
      body,
    });
    const path = `/exchange/v1/exchanges/${exchangeId}`;
    expect((await untilState(platform.api, path, token, ['confirmed', 'rejected'])).state).toBe('confirmed');
  }

  async function signIn(card: Card): Promise<string> {
    const { status, body } = await people.signIn(card);
    expect(status).toBe(201);
    const { personId, myKeyId } = body.person;
    if (myKeyId === null) throw new Error('programme default takes the string of the card');
    const bytes = Buffer.from(personId.replaceAll('-', ''), 'hex');
    secrets.push(secret('a person id', personId), secret('a MyKey ID', myKeyId));
    for (const form of ['hex', 'base64', 'base64url'] as const)
      secrets.push(secret(`a person id in ${form}`, bytes.toString(form).replace(/=+$/, '')));
    return body.accessToken;
  }

  it('each is told its own id of a person, the same after a new card, a new link and a new service id', async () => {
    const [first, second] = providers;
    if (!first || !second) throw new Error('there are two providers');
    const store = await IssuerStore.open(people.directory.issuer);
    for (let person = 0; person < persons; person += 1) {
      for (const outgoing of [first.outgoing, second.outgoing, library]) outgoing.person = person;
      const card = await people.card({ birthDate: '1990-04-01', residence: '13101' });
      const token = await signIn(card);
      await grant(platform.api, launched, token);
      const told: Record<'first' | 'second' | 'library', string[]> = { first: [], second: [], library: [] };
      const serviceId = `L-${randomUUID()}`;
      told.library.push(await register(card, serviceId), await lookUp(card));
      const atFirst = await linkByCode(token, 'first-pay');
      const atSecond = await linkByPage(token, 'second-pay');
      await exchange(token, atFirst);
      await exchange(token, atSecond);
      told.first.push(String((await first.lookUp(first.lastRef)).body.pairwiseId));
      told.second.push(String((await second.lookUp(second.lastRef)).body.pairwiseId));
      expect([(await first.lookUp(second.lastRef)).status, (await second.lookUp(first.lastRef)).status]).toEqual([
        404, 404,
      ]);

      const renewed = await renewCard(store, card, { nowMs: await people.nowMs() });
      const again = await signIn(renewed);
      await endMembership(renewed, again, serviceId);
      told.library.push(await register(renewed, `M-${randomUUID()}`), await lookUp(renewed));
      await platform.api.expect(200, 'POST', `/service-link/v1/links/${atFirst}/end`, { token: again, body: {} });
      await exchange(again, await linkByCode(again, 'first-pay'));
      told.first.push(String((await first.lookUp(first.lastRef)).body.pairwiseId));

      for (const ids of Object.values(told)) expect(new Set(ids).size).toBe(1);
      const [one = '', other = '', ofLibrary = ''] = [told.first[0], told.second[0], told.library[0]];
      pairwise.push({ first: one, second: other, library: ofLibrary });
    }
  }, 120_000);

  it('a provider’s machine is let in nowhere else, though it is a partner of the owner', async () => {
    const token = await providers[0]?.token();
    const lots = `/point-ledger/v1/expiring-lots?before=${encodeURIComponent('2099-01-01T00:00:00+09:00')}`;
    const identity = ['membership-feed?service=library', 'member-services/library'].map(
      (path) => `/identity/v1/${path}`,
    );
    for (const path of [lots, ...identity]) {
      expect((await platform.api.call('GET', path, { token: token ?? '' })).body.code).toBe('auth.role_required');
      const partner = await people.staff('partner', { subject: 'another-server' });
      expect((await platform.api.call('GET', path, { token: partner })).status).toBe(200);
    }
  });

  it('the command line prints such a token, for a partner alone', async () => {
    const token = await platform.token('partner', '--provider', 'first-pay');
    const path = '/service-link/v1/pairwise-lookups';
    const body = { providerAccountRef: providers[0]?.lastRef };
    expect(await platform.api.call('POST', path, { token, body })).toEqual({
      status: 200,
      body: { pairwiseId: pairwise.at(-1)?.first },
    });
    const refused = await platform.run('token', '--role', 'kiosk', '--provider', 'first-pay');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--provider goes with --role partner')]);
  }, 60_000);

  it('none is told a person id or a MyKey ID', () => {
    const parties = [...providers.map(({ outgoing }) => outgoing), library];
    // Everything came: the calls of a link, of an exchange, the feed and the webhook.
    const heard = parties.flatMap(({ places }) => places.map(({ where }) => where)).join('\n');
    for (const call of [
      'account-confirmations',
      'authorize',
      'account-authorizations',
      'credits',
      'lookup to library',
      'POST / to library',
      'membership-feed',
    ])
      expect(heard).toContain(call);
    expect(providers[0]?.outgoing.textOf(0)).toContain('code-of-it');
    expect(secrets.length).toBe(2 * 5 * persons);
    expect(secretsTold(parties, secrets)).toEqual([]);
  });

  it('no two of them are told one word of the same person, but each its own pairwise id', () => {
    const [first, second] = providers.map(({ outgoing }) => outgoing);
    if (!first || !second) throw new Error('there are two providers');
    expect(pairwise).toHaveLength(persons);
    for (const [person, ids] of pairwise.entries()) {
      expect([first, second, library].map((party) => [...party.idsOf(person)].length > 3)).toEqual([true, true, true]);
      expect(first.idsOf(person)).toContain(ids.first);
      expect(second.idsOf(person)).toContain(ids.second);
      expect(library.idsOf(person)).toContain(ids.library);
      expect([
        ...sharedIds(first, second, person),
        ...sharedIds(first, library, person),
        ...sharedIds(second, library, person),
      ]).toEqual([]);
    }
    expect(new Set(pairwise.flatMap((ids) => Object.values(ids))).size).toBe(3 * persons);
  });
});
