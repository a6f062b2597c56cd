import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { errorCode, serviceNames } from '@tsunagu/contracts';
import {
  type Attack,
  bodyAttacks,
  memberAttacks,
  methods,
  type Operation,
  oddHeaders,
  oddIds,
  oddQueryValues,
  omissions,
  operationsOf,
  rawRequests,
} from './hostile-attacks.js';
import { goodBodiesOf, UNKNOWN_ID } from './hostile-bodies.js';
import { account, establishedLink, grant, launchCampaign } from './launch.js';
import { People, signed, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';

const AT_ONCE = 16;
const ANSWER_WITHIN_MS = 15_000;

interface Received {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What is wrong with an answer, by API.md: never a fault of ours, and every refusal a problem document of the catalogue. */
function faultOf(method: string, { status, type, text }: Received): string | undefined {
  if (status >= 500) return `${status} ${text.slice(0, 200)}`;
  if (status < 400 || method === 'HEAD') return undefined;
  if (!type.startsWith('application/problem+json')) return `${status} as ${type}: ${text.slice(0, 100)}`;
  const { code, traceId } = JSON.parse(text) as { code?: string; traceId?: unknown };
  const known = errorCode(code ?? '');
  if (!known) return `${status} with the unknown code ${code}`;
  if (known.status !== status) return `${status} for ${code}, which is ${known.status}`;
  return typeof traceId === 'string' ? undefined : 'no traceId';
}

it('the check finds what it is there to find', () => {
  const problem = (status: number, code: string) => ({
    status,
    type: 'application/problem+json',
    text: JSON.stringify({ code, traceId: 'x' }),
  });
  expect(faultOf('GET', problem(404, 'request.not_found'))).toBeUndefined();
  expect(faultOf('GET', { status: 200, type: 'text/html', text: '' })).toBeUndefined();
  expect(faultOf('GET', problem(400, 'request.not_found'))).toContain('404');
  expect(faultOf('GET', problem(404, 'request.unheard_of'))).toContain('unknown code');
  expect(faultOf('GET', problem(503, 'service.unavailable'))).toContain('503');
  expect(faultOf('GET', { status: 404, type: 'text/html', text: '<h1>' })).toContain('text/html');
});

describe('hostile input at every endpoint', () => {
  let platform: PlatformProcess;
  let documents: unknown[];
  let operations: Operation[];
  let goodBodies: Record<string, Record<string, unknown>>;
  const tokens = new Map<string, string>();
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    const people = People.of(platform);
    const { api } = platform;
    for (const role of ['operator', 'finance', 'auditor', 'support', 'kiosk', 'partner'] as const) {
      tokens.set(role, await people.staff(role));
    }
    const citizen = await people.citizen();
    tokens.set('citizen', citizen);
    const launched = await launchCampaign(api, tokens.get('operator') ?? '', {
      fundPoints: 9_000,
      amountPoints: 3_000,
    });
    await grant(api, launched, citizen);
    const linkId = await establishedLink(api, citizen, simPayAccount());
    const card = await people.card();
    const { challengeId, nonce } = await people.challenge();
    const signature = signed(card.privateKey, nonce);
    const { baseUrl } = api;
    goodBodies = goodBodiesOf({ launched, linkId, card, challengeId, signature, nowMs: await people.nowMs(), baseUrl });
    documents = await Promise.all(serviceNames.map((name) => api.expect(200, 'GET', `/${name}/openapi.json`)));
    operations = documents.flatMap(operationsOf);
  }, 90_000);
  afterAll(async () => {
    agent.destroy();
    await platform.remove();
  });

  /** The token of the operation's first role; a log-out gets one that nothing else needs. */
  const tokenFor = ({ method, roles }: Operation) =>
    method === 'DELETE' ? tokens.get('kiosk') : tokens.get(roles?.[0] ?? '');
  const good = ({ bodySchema }: Operation) => (bodySchema === undefined ? undefined : goodBodies[bodySchema]);
  const addressOf = ({ path }: Operation, id = UNKNOWN_ID) => path.replaceAll(/\{\w+\}/g, () => id);
  const attack = (operation: Operation, change: Partial<Attack>): Attack => {
    const token = tokenFor(operation);
    return {
      method: operation.method,
      path: addressOf(operation),
      name: '',
      ...change,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(operation.method === 'POST' && { 'idempotency-key': randomUUID() }),
        ...change.headers,
      },
    };
  };
  /** Sends all, so many at once, and lists what was answered badly. */
  async function run(attacks: readonly Attack[]): Promise<string[]> {
    const faults: string[] = [];
    const left = [...attacks];
    const worker = async () => {
      for (let next = left.pop(); next; next = left.pop()) {
        const fault = await send(next).then(
          // Refused for its token, an attack has reached nothing.
          (received) => faultOf(next.method, received) ?? (isTurnedAway(next, received) ? 'turned away' : undefined),
          (error: Error) => `no answer: ${error.message}`,
        );
        if (fault !== undefined) faults.push(`${next.method} ${next.path.slice(0, 100)}, ${next.name}: ${fault}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return faults;
  }

  function isTurnedAway({ headers }: Attack, { text }: Received): boolean {
    const token = headers.authorization?.slice('Bearer '.length);
    const ours = [...tokens].some(([role, known]) => role !== 'kiosk' && known === token);
    return ours && text.includes('"auth.');
  }

  function send({ method, path, headers, body }: Attack): Promise<Received> {
    return new Promise((resolve, reject) => {
      const { port } = platform;
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent, timeout: ANSWER_WITHIN_MS });
      sent.on('timeout', () => sent.destroy(new Error('too late')));
      // A server that has answered may stop listening to the rest of a body.
      sent.on('error', reject);
      sent.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            text: Buffer.concat(parts).toString(),
          }),
        );
      });
      sent.end(body);
    });
  }

  it('has a good body for every operation that takes one, and a token for every role', () => {
    expect(operations.length).toBeGreaterThan(35);
    for (const operation of operations) {
      if (operation.bodySchema !== undefined) expect(Object.keys(goodBodies)).toContain(operation.bodySchema);
      if (operation.roles) expect(tokenFor(operation)).toBeDefined();
    }
  });

  it('a member left out is refused exactly where the document calls it required', async () => {
    const { api } = platform;
    const wrong: string[] = [];
    for (const document of documents) {
      for (const operation of operationsOf(document).filter(({ bodySchema }) => bodySchema !== undefined)) {
        const token = tokenFor(operation);
        for (const { member, required, body } of omissions(document, operation.bodySchema ?? '', good(operation))) {
          const sent = { body, ...(token !== undefined && { token }) };
          const answer = await api.call<{ errors?: { field: string }[] }>(operation.method, addressOf(operation), sent);
          const fields = answer.status === 400 ? (answer.body.errors ?? []).map(({ field }) => field) : [];
          if (fields.includes(member) !== required) wrong.push(`${operation.path} ${member}, required: ${required}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('odd values in every member', async () => {
    const attacks = operations.flatMap((operation) =>
      memberAttacks(good(operation) ?? {}).map(({ name, body }) =>
        attack(operation, { name, body, headers: { 'content-type': 'application/json' } }),
      ),
    );
    expect(attacks.length).toBeGreaterThan(1_000);
    expect(await run(attacks)).toEqual([]);
  }, 120_000);

  it('bodies that are wrong as a whole', async () => {
    const attacks = operations
      .filter(({ method }) => method !== 'GET')
      .flatMap((operation) => bodyAttacks(good(operation) ?? {}).map((change) => attack(operation, change)));
    expect(await run(attacks)).toEqual([]);
  }, 120_000);

  it('odd ids, queries and headers', async () => {
    const attacks = operations.flatMap((operation) => {
      const body = good(operation);
      const sent = body && { body: JSON.stringify(body) };
      const json: Record<string, string> = body ? { 'content-type': 'application/json' } : {};
      const ids = operation.path.includes('{') ? oddIds : [];
      const queries = [...operation.query, 'unknown', '__proto__'].flatMap((name) =>
        oddQueryValues.map((value) => `${name}=${encodeURI(value).replaceAll('%25', '%')}`),
      );
      return [
        ...ids.map((id) =>
          attack(operation, { name: 'odd id', path: addressOf(operation, id), headers: json, ...sent }),
        ),
        ...(operation.method === 'GET' ? [...queries, 'limit=1&limit=2', 'limit[a]=1', '&&&=%'] : []).map((query) =>
          attack(operation, { name: 'odd query', path: `${addressOf(operation)}?${query}` }),
        ),
        ...oddHeaders.map((headers) =>
          attack(operation, { name: JSON.stringify(headers).slice(0, 50), headers: { ...json, ...headers }, ...sent }),
        ),
      ];
    });
    expect(await run(attacks)).toEqual([]);
  }, 120_000);

  it('wrong methods', async () => {
    const attacks = operations.flatMap((operation) =>
      methods
        // Another operation of the same address has roles of its own.
        .filter((method) => !operations.some((each) => each.path === operation.path && each.method === method))
        .map((method) => attack(operation, { name: 'wrong method', method })),
    );
    expect(await run(attacks)).toEqual([]);
  }, 120_000);

  it('bytes that are no good HTTP', async () => {
    const requests = rawRequests(`127.0.0.1:${platform.port}`, '/point-ledger/v1/funds', tokens.get('operator') ?? '');
    const faults: string[] = [];
    for (const [name, bytes] of Object.entries(requests)) {
      const answer = await onBareConnection(bytes);
      const [head = '', ...rest] = answer.split('\r\n\r\n');
      const type = /content-type: ([^\r]*)/i.exec(head)?.[1] ?? '';
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
      const text = /\{.*\}/s.exec(rest.join('\r\n\r\n'))?.[0] ?? '';
      const fault = Number.isNaN(status) ? 'no answer' : faultOf('RAW', { status, type, text });
      if (fault !== undefined) faults.push(`${name}: ${fault}`);
    }
    expect(faults).toEqual([]);
  }, 60_000);

  function onBareConnection(bytes: Buffer): Promise<string> {
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      const socket = connect(platform.port, '127.0.0.1', () => socket.write(bytes));
      const done = () => {
        socket.destroy();
        resolve(Buffer.concat(parts).toString('latin1'));
      };
      socket.setTimeout(ANSWER_WITHIN_MS, done);
      socket.on('data', (part) => parts.push(part));
      socket.on('error', done);
      socket.on('close', done);
    });
  }

  it('still answers good requests, and its books are in order', async () => {
    const { api } = platform;
    await api.expect(200, 'GET', '/health/ready');
    await api.expect(201, 'POST', '/point-ledger/v1/funds', {
      token: tokens.get('operator') ?? '',
      body: goodBodies.NewFund,
    });
    expect((await account(api, tokens.get('citizen') ?? '')).lots.length).toBeGreaterThan(0);
    expect(await platform.run('verify')).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);
});
