import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { newId } from '@tsunagu/kernel';
import { startTestService, type TestAnswer, type TestService } from '@tsunagu/service-host/testing';
import { SimulatedProvider, type TestDatabase, testDatabase } from '@tsunagu/testing';
import { definition } from './index.js';

let service: TestService;
let outside: TestDatabase;
let server: Server;
let baseUrl: string;
let providerIsUp = true;

const frozen = new Set<string>();
const programmes: Record<string, unknown> = {
  'many-programme': { programmeId: 'many-programme', providersPerPerson: 'many', linkConfirmation: 'none' },
  'asking-programme': { programmeId: 'asking-programme', providersPerPerson: 'one', linkConfirmation: 'person' },
};

beforeAll(async () => {
  outside = await testDatabase();
  service = await startTestService(definition, {
    env: { TSUNAGU_LINK_SWEEP_SECONDS: '3600', TSUNAGU_CODE_ANSWER_FLOOR_MS: '0' },
    questions: {
      identity: (path) => ({ frozen: frozen.has(path.split('/')[1] ?? '') }),
      'exchange-settlement': (path) =>
        ['providers/sim-pay', 'providers/other-pay'].includes(path)
          ? { providerId: path.slice('providers/'.length), baseUrl }
          : undefined,
      campaign: (path) => programmes[path.replace('programmes/', '')],
    },
  });
  const publicJwk = join(service.keyDirectory, 'provider-1.public.json');
  const provider = await SimulatedProvider.open({
    pool: outside.pool,
    clock: service.clock,
    publicKey: () => createPublicKey({ key: JSON.parse(readFileSync(publicJwk, 'utf8')), format: 'jwk' }),
  });
  server = createServer((request, response) => {
    if (providerIsUp) void provider.handle(request, response);
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-pay`;
});
afterAll(async () => {
  await service.close();
  server.closeAllConnections();
  server.close();
  await outside.close();
});
beforeEach(() => {
  providerIsUp = true;
});

let accounts = 0;
const freshAccount = () => String(7_000_000_000 + accounts++);
const person = () => newId(service.clock.now());

async function link(personId: string, providerAccountId: string, more: Record<string, unknown> = {}, key = newId(1)) {
  return service.call('POST', '/service-link/v1/links', {
    token: await service.token({ role: 'citizen', subject: personId }),
    headers: { 'idempotency-key': key },
    body: { providerId: 'sim-pay', providerAccountId, securityCode: providerAccountId.slice(-4), ...more },
  });
}

async function read(personId: string, linkId: string, headers = {}) {
  const token = await service.token({ role: 'citizen', subject: personId });
  return service.call('GET', `/service-link/v1/links/${linkId}`, { token, headers });
}

async function vaultRows(linkId: string) {
  const secrets = await service.pool.query('select 1 from link_secrets where link_id = $1', [linkId]);
  const kept = await service.pool.query('select 1 from link_accounts where link_id = $1', [linkId]);
  return { secrets: secrets.rowCount, accounts: kept.rowCount };
}

describe('a link', () => {
  it('is established when the provider confirms account and code; what was typed is deleted', async () => {
    const me = person();
    const answer = await link(me, freshAccount());
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ state: 'established', providerId: 'sim-pay', maskedName: '試＊ 見＊' });
    const { linkId } = answer.body;
    const again = await read(me, linkId, { prefer: 'wait=5' });
    expect(again.body).toEqual(answer.body);
    const token = await service.token({ role: 'citizen', subject: me });
    expect((await service.call('GET', '/service-link/v1/links', { token })).body).toEqual({ links: [answer.body] });
    const internal = await service.call('GET', `/service-link/internal/v1/links/${linkId}`, {
      token: await service.token({ role: 'service', subject: 'exchange-settlement' }),
    });
    expect(internal.body).toMatchObject({ linkId, personId: me, providerId: 'sim-pay', state: 'established' });
    expect(internal.body.providerAccountRef).toMatch(/^sp-/);
    expect(await vaultRows(linkId)).toEqual({ secrets: 0, accounts: 1 });
  });

  it('is refused with the reason when the code is wrong, and the account stays free', async () => {
    const account = freshAccount();
    const me = person();
    const wrong = await link(me, account, { securityCode: '0000' });
    expect(wrong.body).toMatchObject({ state: 'refused', reasonCode: 'security_code_wrong' });
    expect(await vaultRows(wrong.body.linkId)).toEqual({ secrets: 0, accounts: 0 });
    expect((await link(me, account)).body.state).toBe('established');
  });

  it('answers known conflicts at once', async () => {
    const account = freshAccount();
    const me = person();
    const mine = await link(me, account, { programmeId: null });
    expect(await link(person(), account)).toMatchObject({ status: 409, body: { code: 'service_link.account_taken' } });
    expect(await link(me, freshAccount())).toMatchObject({
      status: 409,
      body: { code: 'service_link.provider_already_chosen', linkId: mine.body.linkId },
    });
    expect(await link(me, account)).toMatchObject({
      status: 409,
      body: { code: 'service_link.provider_already_chosen', linkId: mine.body.linkId },
    });
  });

  it('is one per person only where the programme says so', async () => {
    const me = person();
    const programmeId = 'many-programme';
    expect((await link(me, freshAccount(), { programmeId })).body.state).toBe('established');
    expect((await link(me, freshAccount(), { programmeId, providerId: 'other-pay' })).body.state).toBe('established');
  });

  it('is not asked for and not confirmed while the person is frozen, and goes on with the same key afterwards', async () => {
    const me = person();
    const key = newId(1);
    const waiting = await link(me, freshAccount(), { programmeId: 'asking-programme' });
    frozen.add(me);
    const account = freshAccount();
    expect(await link(me, account, {}, key)).toMatchObject({ status: 403, body: { code: 'identity.frozen' } });
    const token = await service.token({ role: 'citizen', subject: me });
    const confirm = () => service.call('POST', `/service-link/v1/links/${waiting.body.linkId}/confirm`, { token });
    expect(await confirm()).toMatchObject({ status: 403, body: { code: 'identity.frozen' } });
    frozen.delete(me);
    expect(await confirm()).toMatchObject({ status: 200, body: { state: 'established' } });
    expect(await link(me, account, {}, key)).toMatchObject({ status: 202, body: { state: 'established' } });
  });

  it('waits for the person where the programme asks for it', async () => {
    const me = person();
    const answer = await link(me, freshAccount(), { programmeId: 'asking-programme' });
    expect(answer.body.state).toBe('awaiting_confirmation');
    const path = `/service-link/v1/links/${answer.body.linkId}/confirm`;
    const stranger = await service.token({ role: 'citizen', subject: person() });
    expect((await service.call('POST', path, { token: stranger })).status).toBe(404);
    const token = await service.token({ role: 'citizen', subject: me });
    const confirmed = await service.call('POST', path, { token });
    expect(confirmed).toMatchObject({ status: 200, body: { state: 'established' } });
    expect(await service.call('POST', path, { token })).toMatchObject({ status: 200, body: { state: 'established' } });
    const refused = await link(me, freshAccount(), { programmeId: 'many-programme', securityCode: '0000' });
    const wrong = await service.call('POST', `/service-link/v1/links/${refused.body.linkId}/confirm`, { token });
    expect(wrong).toMatchObject({ status: 409, body: { code: 'service_link.wrong_state' } });
  });

  it('refuses providers and programmes that are not there, and what is no link of the caller', async () => {
    const me = person();
    expect(await link(me, freshAccount(), { providerId: 'no-pay' })).toMatchObject({
      status: 404,
      body: { code: 'service_link.provider_unknown' },
    });
    expect(await link(me, freshAccount(), { programmeId: 'nowhere' })).toMatchObject({
      status: 404,
      body: { code: 'service_link.programme_unknown' },
    });
    expect((await link(me, 'a\u0000b')).status).toBe(400);
    expect((await link(me, 'x'.repeat(65))).status).toBe(400);
    expect((await read(me, 'not-an-id')).status).toBe(404);
    const mine = await link(me, freshAccount());
    expect((await read(person(), mine.body.linkId)).status).toBe(404);
  });

  it('gives the same link to the same call', async () => {
    const me = person();
    const account = freshAccount();
    const [first, second] = [await link(me, account, {}, 'one-key'), await link(me, account, {}, 'one-key')];
    expect(second.body).toEqual(first.body);
  });

  it('stays requested while the provider is down and goes on once it is up; past its time it is refused', async () => {
    providerIsUp = false;
    const [me, other] = [person(), person()];
    const waiting = await link(me, freshAccount());
    const late = await link(other, freshAccount());
    expect(waiting.body.state).toBe('requested');
    providerIsUp = true;
    // The first retry comes after 2 s, on the real clock.
    expect((await read(me, waiting.body.linkId, { prefer: 'wait=8' })).body.state).toBe('established');
    expect((await read(other, late.body.linkId, { prefer: 'wait=8' })).body.state).toBe('established');
    providerIsUp = false;
    const unlucky = person();
    const lost = await link(unlucky, freshAccount());
    expect(lost.body.state).toBe('requested');
    service.clock.forward(24 * 3_600_000);
    const refused = await read(unlucky, lost.body.linkId, { prefer: 'wait=8' });
    expect(refused.body).toMatchObject({ state: 'refused', reasonCode: 'provider_unreachable' });
  });
});

describe('two persons for one provider account at the same moment', () => {
  it('exactly one wins, pair after pair', async () => {
    const [rounds, pairsAtOnce] = [100, 10];
    /** The end, also where the machine is too busy to reach it before the POST answers. */
    const ended = async (account: string): Promise<TestAnswer> => {
      const personId = person();
      const answer = await link(personId, account);
      return answer.body.state === 'requested'
        ? { ...(await read(personId, answer.body.linkId, { prefer: 'wait=10' })), status: 202 }
        : answer;
    };
    const outcomes: (readonly TestAnswer[])[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const pairs = Array.from({ length: pairsAtOnce }, () => {
        const account = freshAccount();
        return Promise.all([ended(account), ended(account)]);
      });
      outcomes.push(...(await Promise.all(pairs)));
    }
    for (const pair of outcomes) {
      const states = pair.map(({ status, body }) => (status === 202 ? body.state : body.code)).sort();
      expect(states.filter((state) => state === 'established')).toHaveLength(1);
      const loser = pair.find(({ body }) => body.state !== 'established');
      if (loser?.status === 202) expect(loser.body).toMatchObject({ state: 'refused', reasonCode: 'account_taken' });
      else expect(loser).toMatchObject({ status: 409, body: { code: 'service_link.account_taken' } });
    }
    const bound = await service.log.readLog({ after: 0, limit: 100_000, types: ['ServiceAccountBound'] });
    const holders = new Map<string, Set<string>>();
    for (const { stream, data } of bound.events) {
      const { personId } = data as { personId: string };
      holders.set(stream, (holders.get(stream) ?? new Set()).add(personId));
    }
    for (const persons of holders.values()) expect(persons.size).toBe(1);
  }, 240_000);
});

it('neither log nor log lines hold an account number, a code or a name', async () => {
  const { events } = await service.log.readLog({ after: 0, limit: 100_000 });
  const text = JSON.stringify(events) + JSON.stringify(service.logLines);
  for (let account = 7_000_000_000; account < 7_000_000_000 + accounts; account += 1) {
    expect(text.includes(String(account))).toBe(false);
  }
  expect(text).not.toContain('試＊');
  // The provider's reference of an account; a keyed hash may hold `sp-` by chance.
  expect(text).not.toMatch(/sp-[0-9a-f]{24}/);
});
