import { createPublicKey } from 'node:crypto';
import { verifySignature } from '@tsunagu/provider-client';
import { Pool } from 'pg';
import { failuresMax } from './domain/webhook-delivery.js';
import { startTestIdentity, type TestIdentity } from './test-identity.js';
import { memberServices, type TestMemberServices } from './test-member-services.js';
import { type ReceivedDelivery, startTestReceiver, type TestReceiver } from './test-receiver.js';

let identity: TestIdentity;
let services: TestMemberServices;
const open: TestReceiver[] = [];
beforeAll(async () => {
  const env = { TSUNAGU_WEBHOOK_EVERY_MS: '20', TSUNAGU_WEBHOOK_TIMEOUT_MS: '300' };
  identity = await startTestIdentity('test', { env });
  services = memberServices(identity);
});
afterAll(async () => {
  await identity.close();
  await Promise.all(open.map((receiver) => receiver.close()));
});

/** A service with its feed on, delivered to a receiver of its own. */
async function told(service: string): Promise<TestReceiver> {
  const receiver = await startTestReceiver();
  open.push(receiver);
  await services.register(service);
  await services.enableFeed(service);
  expect(await services.setWebhook(service, `${receiver.url}/hook`)).toMatchObject({
    status: 200,
    body: { webhook: { url: `${receiver.url}/hook`, state: 'current', undelivered: 0 } },
  });
  return receiver;
}

/** Looks until it is so; the spec's own time limit ends it otherwise. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

const webhookOf = async (service: string) => (await services.one(service)).body.webhook;
const delivered = (service: string) => until(async () => (await webhookOf(service)).state === 'current');
/** The next attempt after one that failed. */
async function nextAttempt(service: string, receiver: TestReceiver): Promise<void> {
  const before = receiver.received.length;
  identity.service.clock.forward(3_600_000);
  await until(() => receiver.received.length > before);
  await until(async () => (await webhookOf(service)).state !== 'delivering');
}
const idsOf = (deliveries: readonly ReceivedDelivery[]) => deliveries.map(({ body }) => JSON.parse(body).serviceId);
const keyOf = (delivery: ReceivedDelivery | undefined) => String(delivery?.headers['idempotency-key']);

describe('a webhook', () => {
  it('delivers each ended id once, in order, and nothing else than the two fields', async () => {
    const receiver = await told('library');
    const ids = [];
    for (let count = 0; count < 3; count += 1) ids.push(await services.endedMember('library'));
    await until(() => receiver.received.length === 3);
    await delivered('library');
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toEqual(
      (await services.feed('library')).body.entries,
    );
    expect(idsOf(receiver.received)).toEqual(ids);
    for (const { body } of receiver.received)
      expect(Object.keys(JSON.parse(body))).toEqual(['serviceId', 'invalidFrom']);
    expect(new Set(receiver.received.map(keyOf)).size).toBe(3);
  });

  it('is signed with a key of its own, for this address and these bytes only', async () => {
    const receiver = await told('signed');
    await services.endedMember('signed');
    await until(() => receiver.received.length === 1);
    const [delivery] = receiver.received;
    const { body: set } = await identity.service.call('GET', '/.well-known/jwks.json');
    const publicKey = (kid: string) => {
      const key = set.keys.find((each: { kid: string }) => each.kid === kid && kid.startsWith('feed-'));
      return key && createPublicKey({ key, format: 'jwk' });
    };
    const headers = delivery?.headers as Record<string, string>;
    const request = { method: 'POST', url: `${receiver.url}/hook`, headers };
    const body = Buffer.from(delivery?.body ?? '');
    const isGenuine = (change: Partial<typeof request>, bytes = body, tag = 'tsunagu-webhook') =>
      verifySignature({ ...request, ...change }, bytes, publicKey, tag);
    expect(await isGenuine({})).toBe(true);
    expect(await isGenuine({}, Buffer.concat([body, Buffer.from(' ')]))).toBe(false);
    expect(await isGenuine({ url: `${receiver.url}/other` })).toBe(false);
    expect(await isGenuine({ headers: { ...headers, 'idempotency-key': 'another' } })).toBe(false);
    expect(await isGenuine({}, body, 'tsunagu-provider')).toBe(false);
  });

  it('keeps what a receiver that is down cannot take, and holds up nobody else', async () => {
    const [down, other] = [await told('down'), await told('other')];
    await down.close();
    const ids = [await services.endedMember('down'), await services.endedMember('down')];
    const otherId = await services.endedMember('other');
    await until(async () => (await webhookOf('down')).fault === 'connection');
    await until(() => other.received.length === 1);
    expect(idsOf(other.received)).toEqual([otherId]);
    expect(await webhookOf('down')).toMatchObject({
      state: 'retrying',
      undelivered: 2,
      failingSince: expect.any(String),
    });
    const again = await startTestReceiver(Number(new URL(down.url).port));
    open.push(again);
    identity.service.clock.forward(3_600_000);
    await until(() => again.received.length === 2);
    await delivered('down');
    expect(idsOf(again.received)).toEqual(ids);
    expect(await webhookOf('down')).toMatchObject({ undelivered: 0, failingSince: null, fault: null });
  });

  it.each([
    [500, 'status_500'],
    [302, 'status_302'],
    ['never', 'timeout'],
  ] as const)('takes an answer of %s for a failure, and sends the same again', async (answer, fault) => {
    const service = `fails-${answer}`;
    const receiver = await told(service);
    receiver.answer = answer;
    const id = await services.endedMember(service);
    await until(async () => (await webhookOf(service)).fault === fault);
    receiver.answer = 200;
    await nextAttempt(service, receiver);
    await delivered(service);
    expect(idsOf(receiver.received)).toEqual([id, id]);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
    expect(keyOf(receiver.received[0])).toBe(keyOf(receiver.received[1]));
  });

  it('sends the same again, by the same key, where its record was lost after the delivery', async () => {
    const receiver = await told('lost');
    const owner = new Pool({ connectionString: identity.service.ownerUrl });
    // The receiver has it, and the record of that finds no table.
    receiver.answer = async () => {
      receiver.answer = 204;
      await owner.query('alter table identity.webhook_deliveries rename to webhook_deliveries_away');
      return 204;
    };
    const id = await services.endedMember('lost');
    const isLost = () =>
      identity.service.logLines.some(({ msg, service }) => service === 'lost' && /webhook/.test(String(msg)));
    await until(isLost);
    await owner.query('alter table identity.webhook_deliveries_away rename to webhook_deliveries');
    await owner.end();
    expect(receiver.received).toHaveLength(1);
    await nextAttempt('lost', receiver);
    await delivered('lost');
    expect(idsOf(receiver.received)).toEqual([id, id]);
    expect(keyOf(receiver.received[0])).toBe(keyOf(receiver.received[1]));
  });

  it('is off until it is set, stops when it or the feed is switched off, and is told nothing of that time', async () => {
    const receiver = await told('off');
    await services.setWebhook('off', null);
    await services.endedMember('off');
    identity.service.clock.forward(1_000);
    await services.setWebhook('off', `${receiver.url}/hook`);
    const first = await services.endedMember('off');
    await until(() => receiver.received.length === 1);
    await services.disableFeed('off');
    await services.endedMember('off');
    expect(await webhookOf('off')).toMatchObject({ undelivered: 0 });
    identity.service.clock.forward(1_000);
    await services.enableFeed('off');
    const second = await services.endedMember('off');
    await until(() => receiver.received.length === 2);
    expect(idsOf(receiver.received)).toEqual([first, second]);
  });

  it('is stalled after about a day of failures, and goes on where it stopped when it is set again', async () => {
    const receiver = await told('stalled');
    receiver.answer = 503;
    const id = await services.endedMember('stalled');
    await until(async () => (await webhookOf('stalled')).state === 'retrying');
    for (let failures = 1; failures < failuresMax; failures += 1) await nextAttempt('stalled', receiver);
    expect(await webhookOf('stalled')).toMatchObject({ state: 'stalled', undelivered: 1, fault: 'status_503' });
    expect(identity.service.logLines).toContainEqual(
      expect.objectContaining({ service: 'stalled', msg: 'a webhook is stalled: staff must set it again' }),
    );
    identity.service.clock.forward(24 * 3_600_000);
    const next = await services.endedMember('stalled');
    expect(receiver.received).toHaveLength(failuresMax);
    receiver.answer = 204;
    await services.setWebhook('stalled', `${receiver.url}/hook`);
    await delivered('stalled');
    expect(idsOf(receiver.received.slice(failuresMax))).toEqual([id, next]);
  });
});

describe('two services of one person', () => {
  it('receive nothing that says so, and nothing that the platform knows the person by', async () => {
    const person = await identity.citizen();
    const known = [person.personId, String(person.myKeyId), person.card.certificate];
    const seen: string[][] = [];
    for (const service of ['pool', 'bicycles']) {
      const receiver = await told(service);
      const { nextCursor } = (await services.feed(service)).body;
      identity.service.clock.forward(1_000);
      const serviceId = await services.endedMember(service, person);
      await until(() => receiver.received.length === 1);
      const { status, body } = await services.feed(service, nextCursor);
      expect(status).toBe(200);
      const [delivery] = receiver.received;
      const payload = Buffer.from(body.jws.split('.')[1], 'base64url').toString();
      const all = JSON.stringify([delivery, body, payload, (await services.one(service)).body]);
      expect(all).toContain(serviceId);
      for (const name of known) expect(all).not.toContain(name);
      seen.push([...Object.values<string>(JSON.parse(delivery?.body ?? '')), keyOf(delivery), String(body.nextCursor)]);
    }
    expect(new Set(seen.flat()).size).toBe(8);
  });
});

describe('the address of a webhook', () => {
  it.each([
    ['http://169.254.169.254/hook', 'host'],
    ['https://elsewhere.example/hook', 'host'],
    ['http://127.0.0.1:1/hook?token=1', 'query'],
    ['http://me:secret@127.0.0.1:1/hook', 'credentials'],
    ['ftp://127.0.0.1/hook', 'https'],
  ])('%s is refused', async (url, reason) => {
    await services.register('refused');
    const { status, body } = await services.setWebhook('refused', url);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'identity.webhook_refused' });
    expect(body.detail).toContain(reason);
    expect((await services.one('refused')).body.webhook).toBeNull();
  });

  it('is set and seen by the service’s own owner only', async () => {
    await services.register('owned');
    const url = 'http://127.0.0.1:1/hook';
    expect((await services.put('owned/webhook', { url }, 'another-town')).status).toBe(404);
    expect((await services.one('owned', 'another-town')).status).toBe(404);
    expect((await services.put('owned/webhook', { url: 7 })).status).toBe(400);
  });
});
