import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { newId } from '@tsunagu/kernel';
import type { ServiceDefinition } from '@tsunagu/service-host';
import { startTestService, type TestAnswer } from '@tsunagu/service-host/testing';
import { SimulatedProvider, testDatabase } from '@tsunagu/testing';
import type { ServiceLinkConfig } from './config.js';
import { definition } from './index.js';

export type LinkStage = Awaited<ReturnType<typeof startLinkStage>>;

const programmes: Readonly<Record<string, object>> = {
  'many-programme': { providersPerPerson: 'many', linkConfirmation: 'none' },
  'asking-programme': { providersPerPerson: 'one', linkConfirmation: 'person' },
};

/** The service with a real provider over HTTP; campaign, identity and exchange-settlement say what the spec wants. */
export async function startLinkStage(
  env: Readonly<Record<string, string>> = {},
  served: ServiceDefinition<ServiceLinkConfig> = definition,
) {
  const outside = await testDatabase();
  const world = { providerIsUp: true, baseUrl: '' };
  const service = await startTestService(served, {
    env: { TSUNAGU_LINK_SWEEP_SECONDS: '3600', TSUNAGU_CODE_ANSWER_FLOOR_MS: '0', ...env },
    questions: {
      'exchange-settlement': (path) =>
        ['providers/sim-pay', 'providers/other-pay'].includes(path)
          ? { providerId: path.slice('providers/'.length), baseUrl: world.baseUrl }
          : undefined,
      campaign: (path) => {
        const programmeId = path.replace('programmes/', '');
        const facts = programmes[programmeId];
        return facts && { programmeId, ...facts };
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
    freshAccount: () => String(8_000_000_000 + accounts++),
    person: () => newId(service.clock.now()),
    async as(personId: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const token = await service.token({ role: 'citizen', subject: personId });
      return service.call(method, `/service-link/v1/${path}`, { token, headers, ...(body !== undefined && { body }) });
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
