import { newId } from '@tsunagu/kernel';
import type { TestAnswer } from '@tsunagu/service-host/testing';
import type { TestIdentity } from './test-identity.js';

/** Services with a table of their own, for specs: what their staff and their members do. */
export interface TestMemberServices {
  register(service: string, ownerId?: string): Promise<void>;
  enableFeed(service: string, ownerId?: string): Promise<void>;
  setWebhook(service: string, url: string | null): Promise<TestAnswer>;
  /** The service as its owner's staff see it. */
  one(service: string, ownerId?: string): Promise<TestAnswer>;
  disableFeed(service: string): Promise<void>;
  put(path: string, body: object, ownerId?: string): Promise<TestAnswer>;
  /** Somebody registers an id and ends it; gives the id. A new person where none is given. */
  endedMember(service: string, person?: Awaited<ReturnType<TestIdentity['citizen']>>): Promise<string>;
  feed(service: string, cursor?: number, ownerId?: string): Promise<TestAnswer>;
}

export function memberServices(identity: TestIdentity): TestMemberServices {
  const { service: host } = identity;
  let members = 0;
  const services: TestMemberServices = {
    async put(path, body, ownerId = 'demo') {
      const token = await host.token({ role: 'operator', ownerId });
      return host.call('PUT', `/identity/v1/member-services/${path}`, { token, body });
    },
    async register(service, ownerId) {
      expect((await services.put(service, { name: service }, ownerId)).status).toBe(200);
    },
    async enableFeed(service, ownerId) {
      const legalBasis = `条例 of ${service}`;
      expect((await services.put(`${service}/feed`, { legalBasis }, ownerId)).status).toBe(200);
    },
    setWebhook: (service, url) => services.put(`${service}/webhook`, { url }),
    async one(service, ownerId = 'demo') {
      const token = await host.token({ role: 'partner', ownerId });
      return host.call('GET', `/identity/v1/member-services/${service}`, { token });
    },
    async disableFeed(service) {
      expect((await services.put(`${service}/feed`, { legalBasis: null })).status).toBe(200);
    },
    async endedMember(service, person) {
      members += 1;
      const serviceId = `${service}-α-${members}`;
      const { card, token } = person ?? (await identity.citizen());
      const { kiosk, terminalSessionId } = await identity.tap(card);
      const shown = { service, serviceId, terminalSessionId };
      const registered = await host.call('POST', '/identity/v1/memberships', {
        token: kiosk,
        body: { ...shown, proof: await identity.proof(card, 'register_membership', shown) },
        headers: { 'idempotency-key': newId(1) },
      });
      expect(registered.status).toBe(201);
      const proof = await identity.proof(card, 'end_membership', { service });
      const ended = await host.call('POST', '/identity/v1/memberships/end', { token, body: { service, proof } });
      expect(ended.status).toBe(204);
      return serviceId;
    },
    async feed(service, cursor = 0, ownerId = 'demo') {
      const token = await host.token({ role: 'partner', ownerId });
      return host.call('GET', `/identity/v1/membership-feed?service=${service}&cursor=${cursor}`, { token });
    },
  };
  return services;
}
