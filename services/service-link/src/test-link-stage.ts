import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { newId } from '@tsunagu/kernel';
import type { Role, ServiceDefinition } from '@tsunagu/service-host';
import { startTestService, type TestAnswer } from '@tsunagu/service-host/testing';
import { SimulatedProvider, testDatabase } from '@tsunagu/testing';
import type { ServiceLinkConfig } from './config.js';
import { definition } from './index.js';

export type LinkStage = Awaited<ReturnType<typeof startLinkStage>>;

const strict = {
  providersPerPerson: 'one',
  linkConfirmation: 'none',
  linkChange: 'never_after_claim',
  ownerId: 'demo',
};
const programmes: Readonly<Record<string, object>> = {
  'many-programme': { ...strict, providersPerPerson: 'many' },
  'asking-programme': { ...strict, linkConfirmation: 'person' },
  'proving-programme': { ...strict, linkConfirmation: 'proof' },
  'free-programme': { ...strict, linkChange: 'allowed' },
  'tokyo-programme': { ...strict, ownerId: 'tokyo' },
};

/** The service with a real provider over HTTP; campaign, identity and exchange-settlement say what the spec wants. */
export async function startLinkStage(
  env: Readonly<Record<string, string>> = {},
  served: ServiceDefinition<ServiceLinkConfig> = definition,
) {
  const outside = await testDatabase();
  const world = {
    providerIsUp: true,
    baseUrl: '',
    /** Persons who have claimed in whatever programme is asked for. */
    claimed: new Set<string>(),
    frozen: new Set<string>(),
    /** What identity was asked about proofs. */
    proofs: [] as unknown[],
    proofAnswer: { ok: true } as object,
    /** By link: what is on its way over it. */
    openExchanges: new Map<string, readonly object[]>(),
    /** What identity says that a provider may call a person: undefined as of an identity that does not know the question. */
    pairwiseId: (personId: string, providerId: string): string | null | undefined => `${personId} at ${providerId}`,
    /** By person: whether they are 15; unknown where nothing is said. */
    isFifteen: new Map<string, 'yes' | 'no' | 'unknown'>(),
  };
  const service = await startTestService(served, {
    env: { TSUNAGU_LINK_SWEEP_SECONDS: '3600', TSUNAGU_CODE_ANSWER_FLOOR_MS: '0', ...env },
    questions: {
      'exchange-settlement': (path) => {
        const [kind, id = ''] = path.split('/');
        if (kind === 'links') return { exchanges: world.openExchanges.get(id) ?? [] };
        return ['sim-pay', 'other-pay'].includes(id)
          ? { providerId: id, baseUrl: world.baseUrl, ownerIds: ['demo', 'tokyo'] }
          : undefined;
      },
      campaign: (path) => {
        const [, programmeId = '', question, personId = ''] = path.split('/');
        if (question === 'claims-of') return { claimed: world.claimed.has(personId) };
        const facts = programmes[programmeId];
        return facts && { programmeId, ...facts };
      },
      identity: (path, body) => {
        const [, asked = '', question, providerId = ''] = path.split('/');
        if (question === 'pairwise-ids') {
          const pairwiseId = world.pairwiseId(asked, providerId);
          return pairwiseId === undefined ? undefined : { pairwiseId };
        }
        if (path.endsWith('/standing')) return { frozen: world.frozen.has(path.split('/')[1] ?? '') };
        if (path === 'proofs') {
          world.proofs.push(body);
          return world.proofAnswer;
        }
        const { personId } = body as { personId: string };
        return { answers: [{ rule: 'age', answer: world.isFifteen.get(personId) ?? 'unknown', factReadAt: null }] };
      },
    },
  });
  const publicJwk = join(service.keyDirectory, 'provider-1.public.json');
  const provider = await SimulatedProvider.open({
    pool: outside.pool,
    clock: service.clock,
    publicKey: () => createPublicKey({ key: JSON.parse(readFileSync(publicJwk, 'utf8')), format: 'jwk' }),
  });
  const server = createServer((request, response) => {
    if (world.providerIsUp) void provider.handle(request, response);
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  world.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sim-pay`;
  let accounts = 0;

  const stage = {
    service,
    world,
    freshAccount: () => String(8_000_000_001 + accounts++),
    /** Those given out so far. */
    accounts: () => Array.from({ length: accounts }, (_, index) => String(8_000_000_001 + index)),
    person: () => newId(service.clock.now()),
    /** The token that the next calls bring instead of a plain one, such as one of a kiosk's. */
    tokenOf: (personId: string) => service.token({ role: 'citizen', subject: personId }),
    async as(personId: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const token = await stage.tokenOf(personId);
      return service.call(method, `/service-link/v1/${path}`, { token, headers, ...(body !== undefined && { body }) });
    },
    async asStaff(
      subject: string,
      method: string,
      path: string,
      body?: unknown,
      { ownerId = 'demo', role = 'support' }: { ownerId?: string; role?: Role } = {},
    ): Promise<TestAnswer> {
      const token = await service.token({ role, subject, ownerId });
      const headers = { 'idempotency-key': newId(1) };
      return service.call(method, `/service-link/v1/${path}`, { token, headers, ...(body !== undefined && { body }) });
    },
    /** An established link of the person; its id. */
    async established(personId: string, account: string, more: Record<string, unknown> = {}): Promise<string> {
      const answer = await stage.link(personId, account, more);
      expect(answer.body).toMatchObject({ state: 'established' });
      return answer.body.linkId;
    },
    /** The person asks for a link, with the right code unless another is given; a busy machine may reach its end after the POST's answer. */
    async link(
      personId: string,
      account: string,
      more: Record<string, unknown> = {},
      key = newId(1),
    ): Promise<TestAnswer> {
      const body = { providerId: 'sim-pay', providerAccountId: account, securityCode: account.slice(-4), ...more };
      const answer = await stage.as(personId, 'POST', 'links', body, { 'idempotency-key': key });
      if (answer.body.state !== 'requested' || !world.providerIsUp) return answer;
      return { ...(await stage.read(personId, answer.body.linkId, 10)), status: answer.status };
    },
    read: (personId: string, linkId: string, waitSeconds = 0): Promise<TestAnswer> =>
      stage.as(personId, 'GET', `links/${linkId}`, undefined, waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {}),
    /** What exchange-settlement is told. */
    async asked(linkId: string): Promise<TestAnswer> {
      const token = await service.token({ role: 'service', subject: 'exchange-settlement' });
      return service.call('GET', `/service-link/internal/v1/links/${linkId}`, { token });
    },
    async vaultRows(linkId: string) {
      const secrets = await service.pool.query('select 1 from link_secrets where link_id = $1', [linkId]);
      const kept = await service.pool.query('select 1 from link_accounts where link_id = $1', [linkId]);
      return { secrets: secrets.rowCount, accounts: kept.rowCount };
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

/** Every row of every table of the service, as text; bytes in hex. */
export async function dumpOf({ service }: LinkStage): Promise<string> {
  const { rows } = await service.pool.query<{ tablename: string }>(
    `select tablename from pg_tables where schemaname = 'service_link'`,
  );
  const dumps = rows.map(async ({ tablename }) => {
    const dumped = await service.pool.query<{ text: string }>(
      `select t::text as text from service_link."${tablename}" t`,
    );
    return dumped.rows.map(({ text }) => `${tablename} ${text}`);
  });
  return (await Promise.all(dumps)).flat().join('\n');
}
