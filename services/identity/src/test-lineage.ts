import { randomUUID } from 'node:crypto';
import type { TestAnswer, TestService } from '@tsunagu/service-host/testing';
import { type Card, certificateHash } from '@tsunagu/testing';
import type { TestIdentity } from './test-identity.js';

/** Staff at their desk, for specs: each name is one person. */
export interface Desk {
  get(path: string): Promise<TestAnswer>;
  post(path: string, body?: object): Promise<TestAnswer>;
  decide(reviewId: string, decision: object): Promise<TestAnswer>;
  /** Approves the decision that an answer of `decide` shows. */
  approve(reviewId: string, proposed: TestAnswer): Promise<TestAnswer>;
}

export function deskOf(service: TestService, subject: string): Desk {
  const call = async (method: string, path: string, body?: object) => {
    const token = await service.token({ role: 'support', subject, ownerId: 'demo', ttlSeconds: 86_400 * 3_650 });
    const headers = { 'idempotency-key': randomUUID() };
    return service.call(method, `/identity/v1${path}`, { token, headers, ...(body ? { body } : {}) });
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    decide: (reviewId, decision) => call('POST', `/reviews/${reviewId}/decisions`, decision),
    approve: (reviewId, { body }) =>
      call('POST', `/reviews/${reviewId}/approve`, { decisionId: body.decision.decisionId }),
  };
}

/** Reviews that are not decided, newest first. */
export async function openReviews({
  service,
}: {
  readonly service: TestService;
}): Promise<readonly { reviewId: string; kind: string; state: string }[]> {
  const { body } = await deskOf(service, 'desk-0').get('/reviews?limit=200');
  expect(body.upToDate).toBe(true);
  return body.reviews.filter(({ state }: { state: string }) => state !== 'decided');
}

/** Link data of the test issuer that names siblings: ties certificates valid beside each other, such as a card's and a phone's. */
export function siblingLinks({ issuer, store }: TestIdentity): (one: Card, other: Card) => void {
  const siblings = new Map<string, string[]>();
  const plain = issuer.handle.bind(issuer);
  issuer.handle = async (request, response) => {
    const hash = /\/links\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1] ?? '';
    const ties = siblings.has(hash) && issuer.mode.links === 'available' ? store.ties(hash) : undefined;
    if (!ties) return plain(request, response);
    const answer = { ...ties, firstIssue: ties.predecessors.length === 0, siblings: siblings.get(hash) };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  };
  const tie = (from: string, to: string) => siblings.set(from, [...(siblings.get(from) ?? []), to]);
  return (one, other) => {
    const [a, b] = [certificateHash(one.certificate), certificateHash(other.certificate)];
    tie(a, b);
    tie(b, a);
  };
}
