import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { serviceNames } from '@tsunagu/contracts';
import { japanDayOf } from '@tsunagu/kernel';
import type { Card } from '@tsunagu/testing';
import { withClient } from '../src/database.js';
import { claim, grant, untilState } from './launch.js';
import { answerJson, LocalProvider } from './local-provider.js';
import { refusal } from './people.js';
import { eventPlaces, internalLogPlaces, linePlaces, metricPlaces, tablePlaces } from './personal-data-places.js';
import { PrivateRun } from './personal-data-run.js';
import { dateSecret, findSecrets, type Place, secret, textsOf } from './personal-data-scan.js';
import {
  atTerminals,
  byNationalLogin,
  byProviderPage,
  bySigningLogin,
  byStaffLogin,
  erased,
  memberServices,
} from './personal-data-ways.js';
import { allEvents } from './recorded.js';

const PERSONS = [
  { birthDate: '1957-11-23', residence: '13101' },
  { birthDate: '1983-07-19', residence: '27100' },
  { birthDate: '1999-12-31', residence: '01100' },
  { birthDate: '2014-02-03', residence: '13113' },
] as const;
const ACCOUNT_NUMBER = '9081726';
const OTHER_ACCOUNT_NUMBER = '6271809';

it('the scanner finds what is planted, however it is written', () => {
  const secrets = [
    secret('the account', '4929001122334455'),
    dateSecret('the day', '1983-07-19'),
    secret('the name', '見本花子7'),
  ];
  const places = (text: string): Place[] => [{ where: 'a row', text }];
  const hash = createHash('sha256').update('4929001122334455').digest('hex');
  for (const [text, what] of [
    ['{"data":{"account":"4929001122334455"}}', 'the account'],
    [`{"stream":"serviceAccount-${Buffer.from('4929001122334455').toString('hex')}"}`, 'the account'],
    [`{"stream":"serviceAccount-${hash}"}`, 'the account'],
    ['{"birthDate":"1983-07-19T00:00:00Z"}', 'the day'],
    ['{"birthDate":"319830719"}', 'the day'],
    ['昭和58年 (1983年7月19日)', 'the day'],
    [JSON.stringify({ name: '見本花子7' }), 'the name'],
    ['{"name":"\\u898b\\u672c\\u82b1\\u5b507"}', 'the name'],
    [`{"url":"/persons?name=${encodeURIComponent('見本花子7')}"}`, 'the name'],
    ...['a', 'ab', 'abc'].map(
      (start) => [`e.${Buffer.from(`{"${start}":"見本花子7"}`).toString('base64url')}.s`, 'the name'] as const,
    ),
  ] as const) {
    expect(findSecrets(places(text), secrets)).toEqual([`${what} in a row`]);
  }
  expect(findSecrets(places('{"id":"019ab3f0-6c00-7000-8000-492900112233","at":"1983-07-18"}'), secrets)).toEqual([]);
  const [card] = sampleTexts;
  expect(textsOf(card)).toEqual(['見本花子']);
});

/** SEQUENCE { [0] { OCTET STRING { SEQUENCE { UTF8String 見本花子 } } } }, then a broken octet string. */
const sampleTexts = [
  Buffer.from(`3018a012041030 0e0c0c e8a68b e69cac e88ab1 e5ad90 04020c7f`.replaceAll(' ', ''), 'hex').toString(
    'base64',
  ),
] as const;

describe('personal data on the whole way of several persons (invariant I9)', () => {
  let run: PrivateRun;
  beforeAll(async () => {
    const [taking] = memberServices;
    const receiver = await LocalProvider.listen('member-services', (call, response) => {
      response.writeHead(call.endsWith(taking) ? 204 : 500).end();
    });
    run = await PrivateRun.start(receiver);
  }, 90_000);
  afterAll(() => run?.close());

  it('goes the whole way, and astray wherever a person can', async () => {
    const { platform, people, launched, secrets } = run;
    const { api } = platform;
    const provider = await LocalProvider.listen('own-pay', (call, response, request) => {
      if (call.endsWith('account-confirmations')) {
        const reference = `own-reference-${randomUUID()}`;
        secrets.push(secret('reference at own-pay', reference), secret('masked name', '見＊ 花＊'));
        return answerJson(response, 200, { confirmed: true, providerAccountRef: reference, maskedName: '見＊ 花＊' });
      }
      if (request.method === 'POST') return answerJson(response, 500, { error: 'for 見本 of 4929-0011' });
      answerJson(response, 200, {
        state: 'credited',
        providerReference: 'OWN-1',
        creditedAt: new Date().toISOString(),
      });
    });
    const operator = await people.staff('operator');
    const terms = provider.order();
    const bankAccount = { ...terms.bankAccount, accountNumber: ACCOUNT_NUMBER };
    await provider.register(api, operator, { bankAccount });
    await provider.register(api, operator, { bankAccount: { ...bankAccount, accountNumber: OTHER_ACCOUNT_NUMBER } });
    for (const number of [ACCOUNT_NUMBER, OTHER_ACCOUNT_NUMBER]) secrets.push(secret('bank account number', number));
    secrets.push(secret('payee', bankAccount.payeeKana), secret('payee', 'ﾛｰｶﾙﾍﾟｲ'));

    const cards: Card[] = [];
    for (const [index, attributes] of PERSONS.entries()) cards.push(await run.newCard(`person ${index}`, attributes));
    const [first] = cards;
    const goes = async (card: Card, index: number): Promise<void> => {
      const who = `person ${index}`;
      const signedIn = await people.signIn(card, card.signatureCertificate ? { attributesOf: card } : {});
      expect(signedIn.status).toBe(201);
      const { accessToken: token, person } = signedIn.body;
      secrets.push({ what: `token of ${who}`, forms: [new RegExp(token.slice(-60))] });
      if (person.myKeyId !== null) secrets.push(secret(`MyKey ID of ${who}`, person.myKeyId));
      await grant(api, launched, token);

      const order =
        index % 2 === 0
          ? run.newPayAccount(who)
          : {
              providerId: 'own-pay',
              providerAccountId: `4929${randomBytes(8).readUIntBE(0, 6)}`,
              securityCode: `code-${randomBytes(8).toString('hex')}`,
            };
      secrets.push(secret(`account of ${who}`, order.providerAccountId));
      if (order.securityCode.length > 4) secrets.push(secret(`security code of ${who}`, order.securityCode));
      const link = await api.expect<{ linkId: string }>(202, 'POST', '/service-link/v1/links', { token, body: order });
      await untilState(api, `/service-link/v1/links/${link.linkId}`, token, ['established']);
      const { exchangeId } = await api.expect<{ exchangeId: string }>(202, 'POST', '/exchange/v1/exchanges', {
        token,
        body: { linkId: link.linkId, points: 1_000 },
      });
      expect((await untilState(api, `/exchange/v1/exchanges/${exchangeId}`, token, ['confirmed'])).state).toBe(
        'confirmed',
      );

      // Refused on every way, with personal data in what is sent.
      const wrongCode = {
        providerId: 'sim-pay',
        providerAccountId: '4444333322221111',
        securityCode: 'wrong-code-of-mine',
      };
      secrets.push(
        secret('a refused account', wrongCode.providerAccountId),
        secret('a wrong code', wrongCode.securityCode),
      );
      await api.call('POST', '/service-link/v1/links', { token, body: wrongCode });
      await api.call('POST', '/service-link/v1/links', { token, body: { ...wrongCode, name: '見本花子7' } });
      await api.call(
        'GET',
        `/service-link/v1/links/${wrongCode.providerAccountId}?account=${order.providerAccountId}`,
        { token },
      );
      await api.call('POST', '/identity/v1/sessions', { body: { card } });
      expect(refusal(await people.signIn(card, { signature: 'AAAA' }))).toBe('401 identity.signature_invalid');
      if (first && first !== card) expect((await people.signIn(card, { attributesOf: first })).status).toBe(401);
      const { claims } = await api.expect<{ claims: { receipt: { number: string } }[] }>(
        200,
        'GET',
        '/campaign/v1/claims',
        { token },
      );
      const receipt = `/campaign/v1/claims?receipt=${claims[0]?.receipt.number}`;
      await api.expect(200, 'GET', receipt, { token: await people.staff('support') });
      await claim(api, launched, token);
      await api.expect(204, 'DELETE', '/identity/v1/sessions/current', { token });
    };
    await Promise.all(cards.map(goes));
    const day = japanDayOf(await people.nowMs());
    expect(await platform.run('clock', '--forward', '1d')).toMatchObject({ code: 0 });
    for (const providerId of ['sim-pay', 'own-pay']) {
      const { settlementId } = await api.expect<{ settlementId: string }>(201, 'POST', '/settlement/v1/settlements', {
        token: await people.staff('finance'),
        body: { providerId, from: day, to: day },
      });
      const second = await people.staff('finance', { subject: 'second' });
      const path = `/settlement/v1/settlements/${settlementId}`;
      await api.expect(200, 'POST', `${path}/approve`, { token: second });
      expect((await api.bytes(`${path}/files/zengin.txt`, second)).status).toBe(200);
    }
    await provider.close();
    expect(secrets.length).toBeGreaterThan(60);
  }, 90_000);

  it('comes by the national login and the provider’s page, at counters and kiosks, and is erased', async () => {
    await byNationalLogin(run);
    await bySigningLogin(run);
    const desk = await byStaffLogin(run);
    await byProviderPage(run, desk[0]);
    await atTerminals(run);
    await erased(run, desk);
  }, 90_000);

  it('no event, in its data, its stream name or anywhere in its row, holds any of it', async () => {
    const events = await allEvents(run.people.databases);
    expect(new Set(events.map(({ service }) => service))).toEqual(new Set(serviceNames));
    const types = events.map(({ type }) => type);
    for (const type of [
      'AttributesVerified',
      'MyKeyIdRegistered',
      'LinkEstablished',
      'ExchangeCaptured',
      'SettlementApproved',
      'ConsentWithdrawn',
      'ErasureCompleted',
    ]) {
      expect(types).toContain(type);
    }
    expect(findSecrets(await eventPlaces(run.people.databases), run.secrets)).toEqual([]);
  });

  it('no row of any table holds any of it, though it is read as text too: what vaults hold is sealed', async () => {
    const places = await tablePlaces(run.people.databases);
    const tables = new Set(places.map(({ where }) => where));
    for (const table of [
      'identity.vault_attributes',
      'identity.national_logins',
      'identity.staff_logins',
      'identity.webhook_deliveries',
      'service_link.link_accounts',
      'exchange_settlement.bank_accounts',
    ]) {
      expect(tables).toContain(`a row of ${table}`);
    }
    expect(findSecrets(places, run.secrets)).toEqual([]);
  });

  it('no log line holds any of it, at the finest level, and no metric', async () => {
    const { output } = run.platform;
    expect(output.split('\n').filter((line) => line.startsWith('{')).length).toBeGreaterThan(5);
    expect(findSecrets(linePlaces(output), run.secrets)).toEqual([]);
    const metrics = metricPlaces(await run.metrics());
    expect(metrics.length).toBeGreaterThan(100);
    expect(findSecrets(metrics, run.secrets)).toEqual([]);
  });

  it('the internal log, which other services read, holds none of it', async () => {
    expect(findSecrets(await internalLogPlaces(run.people), run.secrets)).toEqual([]);
  });

  it('one value that leaks into a line, a metric, a copy of an event or the bytes of a row is found there', async () => {
    const value = `planted-${randomUUID()}`;
    const planted = [secret('it', value)];
    const line = linePlaces(`${run.platform.output}\n${JSON.stringify({ level: 'trace', url: `/links?a=${value}` })}`);
    expect(findSecrets(line, planted)).toEqual([expect.stringContaining('it in line ')]);
    const metrics = metricPlaces(`${await run.metrics()}\nseconds_count{route="/links/${value}"} 1`);
    expect(findSecrets(metrics, planted)).toEqual([expect.stringContaining('it in metric seconds_count')]);
    const [copy, ...events] = await internalLogPlaces(run.people);
    const leaking = { where: 'a copy', text: JSON.stringify({ ...JSON.parse(copy?.text ?? ''), data: { value } }) };
    expect(findSecrets([leaking, ...events], planted)).toEqual(['it in a copy']);
    const { databases } = run.people;
    await withClient(databases.superuser, async (client) => {
      await client.query('create table platform.planted (unsealed bytea)');
      await client.query('insert into platform.planted values ($1)', [Buffer.from(JSON.stringify({ value }))]);
    });
    expect(findSecrets(await tablePlaces(databases), planted)).toEqual(['it in a row of platform.planted']);
  });
});
