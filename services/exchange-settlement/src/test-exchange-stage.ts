import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type DataOf, topics } from '@tsunagu/contracts';
import type { RecordedEvent } from '@tsunagu/event-store';
import { derivedId, newId } from '@tsunagu/kernel';
import { message, startTestService, type TestAnswer } from '@tsunagu/service-host/testing';
import { type FaultMode, SimulatedProvider, testDatabase } from '@tsunagu/testing';
import { definition, registerSimulatedProvider } from './index.js';

export const me = newId(Date.parse('2026-11-20T00:00:00Z'));
const fundId = newId(1);
const lotId = newId(2);
export const lots = (points: number) => [{ lotId, fundId, ownerId: 'demo', points }];
export const holdOf = (exchangeId: string) => derivedId('hold', exchangeId);
export const accountAtProvider = `sp-${'a'.repeat(24)}`;

/** What the ledger publishes when it holds the points. */
export function pointsHeld(exchangeId: string, points: number) {
  const ids = { exchangeId, personId: me, points, holdId: holdOf(exchangeId), providerId: 'sim-pay' };
  return message('PointsHeld', { ...ids, lots: lots(points), askOwnerAt: '2026-11-20T02:00:00.000Z' });
}

export type ExchangeStage = Awaited<ReturnType<typeof startExchangeStage>>;

/** The service with a real provider over HTTP; the ledger's answers are delivered by hand. */
export async function startExchangeStage(sweepSeconds = '1') {
  const links: Record<string, unknown> = {};
  const frozen = new Set<string>();
  const holds: Record<string, RecordedEvent | undefined> = {};
  const broken: { answer?: ((path: string, response: ServerResponse) => boolean) | undefined } = {};
  const outside = await testDatabase();
  const service = await startTestService(definition, {
    env: { TSUNAGU_EXCHANGE_SWEEP_SECONDS: sweepSeconds },
    questions: {
      identity: (path) => ({ frozen: frozen.has(path.split('/')[1] ?? '') }),
      'service-link': (path) => links[path.replace('links/', '')],
      'point-ledger': (path) => ({ state: 'unknown', event: holds[path.split('/').at(-1) ?? ''] }),
    },
  });
  const publicJwk = join(service.keyDirectory, 'provider-1.public.json');
  const provider = await SimulatedProvider.open({
    pool: outside.pool,
    clock: service.clock,
    publicKey: () => createPublicKey({ key: JSON.parse(readFileSync(publicJwk, 'utf8')), format: 'jwk' }),
  });
  const server = createServer((request, response) => {
    if (!broken.answer?.(request.url ?? '', response)) void provider.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-pay`;
  const register = (url: string) =>
    registerSimulatedProvider(
      { log: service.log, database: service.pool, clock: service.clock, keyDirectory: service.keyDirectory },
      url,
    );
  await register(baseUrl);
  let seen = 0;

  const stage = {
    service,
    outside,
    baseUrl,
    links,
    /** Whose exchanges identity says are frozen. */
    frozen,
    /** What the ledger answers when it is asked for a hold, by exchange. */
    holds,
    /** Set to answer some calls in the provider's place; true when it did. */
    broken,
    register,
    async faults(mode: FaultMode): Promise<void> {
      await fetch(`${baseUrl}/faults`, { method: 'PUT', body: JSON.stringify({ mode }) });
    },
    async creditsOf(exchangeId: string): Promise<number> {
      const query = `select 1 from sim_pay.credits where exchange_id = $1 and state = 'credited'`;
      return (await outside.pool.query(query, [exchangeId])).rowCount ?? 0;
    },
    freshLink(change: Record<string, unknown> = {}): string {
      const linkId = newId(service.clock.now());
      const facts = { linkId, personId: me, providerId: 'sim-pay', state: 'established' };
      links[linkId] = { ...facts, providerAccountRef: accountAtProvider, ...change };
      return linkId;
    },
    async post(points: number, linkId: string = stage.freshLink(), key = newId(1)): Promise<TestAnswer> {
      const token = await service.token({ role: 'citizen', subject: me });
      const headers = { 'idempotency-key': key };
      return service.call('POST', '/exchange/v1/exchanges', { token, headers, body: { linkId, points } });
    },
    async read(exchangeId: string, waitSeconds = 0, subject = me): Promise<TestAnswer> {
      const token = await service.token({ role: 'citizen', subject });
      const headers: Record<string, string> = waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {};
      return service.call('GET', `/exchange/v1/exchanges/${exchangeId}`, { token, headers });
    },
    async nextRequested(): Promise<string> {
      for (;;) {
        const slice = await service.log.readLog({ after: seen, limit: 1_000, types: ['ExchangeRequested'] });
        seen = slice.through;
        const [event] = slice.events;
        if (event) return (event.data as DataOf<'ExchangeRequested'>).exchangeId;
        await service.log.waitForAppend(slice.through, 5_000);
      }
    },
    /** Answers the next request as the ledger would: resolves with its exchangeId once the answer is delivered. */
    async ledgerHolds(points: number): Promise<string> {
      const exchangeId = await stage.nextRequested();
      await stage.holdsFor(exchangeId, points);
      return exchangeId;
    },
    holdsFor: (exchangeId: string, points: number): Promise<void> =>
      service.deliver(topics.account, [pointsHeld(exchangeId, points)]),
    async captured(exchangeId: string, points: number): Promise<void> {
      const ids = { holdId: holdOf(exchangeId), exchangeId, personId: me, providerId: 'sim-pay', points };
      await service.deliver(topics.account, [message('HoldCaptured', { ...ids, lots: lots(points) })]);
    },
    async typesOf(exchangeId: string): Promise<readonly string[]> {
      const stream = `exchange-${exchangeId}`;
      return ((await service.log.readStreams([stream])).get(stream) ?? []).map((event) => event.type);
    },
    /** Waits on the log until the exchange's stream holds the type. */
    async until(exchangeId: string, type: string): Promise<void> {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const head = await service.log.head();
        const types = await stage.typesOf(exchangeId);
        if (types.includes(type)) return;
        if (Date.now() > deadline) throw new Error(`${type} did not come: ${types}`);
        await service.log.waitForAppend(head, 1_000);
      }
    },
    /** Requested and held; where it goes from there is the provider's. */
    async exchange(points: number): Promise<{ answer: TestAnswer; exchangeId: string }> {
      const [answer, exchangeId] = await Promise.all([stage.post(points), stage.ledgerHolds(points)]);
      expect(answer).toMatchObject({ status: 202, body: { exchangeId } });
      return { answer, exchangeId };
    },
    async close(): Promise<void> {
      await service.close();
      server.closeAllConnections();
      server.close();
      await outside.close();
    },
  };
  return stage;
}
