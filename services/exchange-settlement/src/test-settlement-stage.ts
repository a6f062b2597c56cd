import { derivedId, newId } from '@tsunagu/kernel';
import { startTestService } from '@tsunagu/service-host/testing';
import { definition } from './index.js';

const funds = [newId(1), newId(2)] as const;
export const account = {
  bankCode: '0005',
  branchCode: '100',
  accountKind: 'ordinary',
  accountNumber: '7654321',
  payeeKana: 'カブシキガイシャ　ペイ',
};
export const demo = (points: number): readonly Part[] => [{ ownerId: 'demo', points }];

const steps = ['requested', 'held', 'confirmed', 'captured'] as const;
type Step = (typeof steps)[number];
interface Part {
  readonly ownerId: string;
  readonly points: number;
}

export type SettlementStage = Awaited<ReturnType<typeof startSettlementStage>>;

/** Contracts and settlements over exchanges that are put on the log as the service records them. The clock stands where each spec puts it. */
export async function startSettlementStage() {
  const service = await startTestService(definition, { env: { TSUNAGU_EXCHANGE_SWEEP_SECONDS: '3600' } });
  const path = '/settlement/v1/settlements';
  let calls = 0;
  let positions = 0;
  const staff = (role: 'operator' | 'finance' | 'auditor', subject: string, ownerId = 'demo') =>
    service.token({ role, subject, ownerId, ttlSeconds: 400 * 86_400 });

  const stage = {
    service,
    staff,
    async contract(providerId: string, change: Record<string, unknown> = {}, subject = 'operator', ownerId = 'demo') {
      return service.call('POST', '/exchange/v1/providers', {
        token: await staff('operator', subject, ownerId),
        headers: { 'idempotency-key': `contract-${calls++}` },
        body: {
          providerId,
          name: 'Pay',
          baseUrl: `http://localhost:9/${providerId}/`,
          unitPoints: 100,
          minimumPoints: 100,
          bankAccount: account,
          ...change,
        },
      });
    },
    async close(
      providerId: string,
      from: string,
      to: string,
      more: Record<string, unknown> = {},
      key = `close-${calls++}`,
    ) {
      return service.call('POST', path, {
        token: await staff('finance', 'finance'),
        headers: { 'idempotency-key': key },
        body: { providerId, from, to, ...more },
      });
    },
    get: async (below: string, subject = 'finance', ownerId = 'demo') =>
      service.call('GET', path + below, { token: await staff('finance', subject, ownerId) }),
    approve: async (settlementId: string, subject: string) =>
      service.call('POST', `${path}/${settlementId}/approve`, { token: await staff('finance', subject) }),
    async bytes(below: string): Promise<Buffer> {
      const headers = { authorization: `Bearer ${await staff('finance', 'finance')}` };
      return Buffer.from(await (await fetch(service.url + path + below, { headers })).arrayBuffer());
    },
    /** An exchange up to a step. Gives its id. */
    async exchange(providerId: string, parts: readonly Part[], upTo: Step): Promise<string> {
      const exchangeId = newId(service.clock.now());
      await record(exchangeId, providerId, parts, 0, steps.indexOf(upTo));
      return exchangeId;
    },
    /** The last step of an exchange that is confirmed. */
    capture: (exchangeId: string, providerId: string, parts: readonly Part[]) =>
      record(exchangeId, providerId, parts, 3, 3),
  };

  async function record(exchangeId: string, providerId: string, parts: readonly Part[], from: number, upTo: number) {
    const stream = `exchange-${exchangeId}`;
    const before = (await service.log.readStreams([stream])).get(stream) ?? [];
    const events = recorded(exchangeId, providerId, parts, ++positions)
      .slice(from, upTo + 1)
      .flat()
      .map(([type, data]) => ({
        id: newId(service.clock.now()),
        type,
        schemaVersion: 1,
        effectiveAt: new Date(service.clock.now()).toISOString(),
        correlationId: exchangeId,
        causationId: null,
        actor: 'service:exchange-settlement',
        ownerId: 'demo',
        data,
      }));
    const expectedRevision = before.at(-1)?.revision ?? ('noStream' as const);
    await service.log.append([{ writes: [{ stream, expectedRevision, events }] }]);
  }
  return stage;
}

/** The events of each step. */
function recorded(
  exchangeId: string,
  providerId: string,
  parts: readonly Part[],
  position: number,
): readonly [string, object][][] {
  const sum = (of: readonly Part[]) => of.reduce((total, part) => total + part.points, 0);
  const points = sum(parts);
  const ids = { exchangeId, personId: newId(3), providerId, points };
  const holdId = derivedId('hold', exchangeId);
  const lots = parts.map((part, index) => ({ lotId: newId(4), fundId: funds[index % 2], ...part }));
  const ownerIds = [...new Set(parts.map((part) => part.ownerId))];
  const ownerParts = ownerIds.map((ownerId) => {
    const own = sum(parts.filter((part) => part.ownerId === ownerId));
    return { ownerId, points: own, providerPoints: own };
  });
  return [
    [['ExchangeRequested', { ...ids, linkId: newId(5), payingOwnerIds: ownerIds }]],
    [
      ['ExchangeHeld', { exchangeId, holdId, lots, providerPoints: points, parts: ownerParts }],
      ['ExchangeSubmitted', { exchangeId, providerId }],
    ],
    [
      ['ProviderCredited', { exchangeId, providerReference: `=SP${points}`, creditedAt: '2026-01-01T00:00:00.000Z' }],
      ['ExchangeConfirmed', ids],
    ],
    [['ExchangeCaptured', { exchangeId, holdId, lots, ledger: { log: 0, position } }]],
  ];
}
