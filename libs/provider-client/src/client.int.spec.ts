import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProviderClient } from './client.js';
import { verifySignature } from './signature.js';

const pair = generateKeyPairSync('ed25519');
const options = {
  key: async () => ({ kid: 'provider-1', privateKey: pair.privateKey }),
  allowedHosts: ['127.0.0.1', 'localhost'],
  loopbackAllowed: true,
  timeoutMs: 400,
};
const client = new ProviderClient(options);

let server: Server;
let baseUrl: string;
let answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
let calls = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    calls += 1;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => answer(request, response, Buffer.concat(parts)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://localhost:${(server.address() as AddressInfo).port}/pay/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const post = () => client.call({ method: 'POST', baseUrl, path: '/x', body: { a: 1 }, idempotencyKey: 'k' });

describe('a call to a provider', () => {
  it('arrives signed, with its body and key', async () => {
    let verified = false;
    answer = (request, response, body) => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const url = `http://${headers.host}${request.url}`;
      void verifySignature({ method: 'POST', url, headers }, body, () => pair.publicKey).then((result) => {
        verified = result && headers['idempotency-key'] === 'k' && body.toString() === '{"a":1}';
        response.writeHead(202, { 'content-type': 'application/json' }).end('{"state":"pending"}');
      });
    };
    expect(await post()).toEqual({ answered: true, status: 202, json: { state: 'pending' } });
    expect(verified).toBe(true);
  });

  it('is not redirected', async () => {
    answer = (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end();
    calls = 0;
    expect(await post()).toEqual({ answered: true, status: 302, json: null });
    expect(calls).toBe(1);
  });

  it.each<[string, (response: ServerResponse) => void, unknown]>([
    ['a cut connection', (response) => response.destroy(), { answered: false, why: 'connection' }],
    [
      'a body cut short, even one that parses so far',
      (response) => {
        response.writeHead(200, { 'content-length': '50' }).write('{"state":"credited"}');
        setTimeout(() => response.destroy(), 20);
      },
      { answered: false, why: 'connection' },
    ],
    ['garbage', (response) => void response.writeHead(200).end('<html>'), { answered: false, why: 'unreadable' }],
    [
      'invalid UTF-8',
      (response) => void response.writeHead(200).end(Buffer.from([0x22, 0xff, 0x22])),
      { answered: false, why: 'unreadable' },
    ],
    [
      'an error page',
      (response) => void response.writeHead(503).end('<html>'),
      { answered: true, status: 503, json: null },
    ],
    [
      'too much',
      (response) => void response.writeHead(200).end(JSON.stringify('x'.repeat(70_000))),
      { answered: false, why: 'too_large' },
    ],
    ['silence', () => undefined, { answered: false, why: 'timeout' }],
  ])('ends with %s', async (_name, behave, expected) => {
    answer = (_request, response) => behave(response);
    expect(await post()).toEqual(expected);
  });

  it('never leaves for a host that is not allowed', async () => {
    calls = 0;
    const strict = new ProviderClient({ ...options, allowedHosts: ['pay.example'] });
    expect(await strict.call({ method: 'GET', baseUrl, path: '/x' })).toEqual({
      answered: false,
      why: 'target_refused',
    });
    expect(calls).toBe(0);
  });

  it('reports a port where nobody listens', async () => {
    const closed = 'http://127.0.0.1:1/';
    expect(await client.call({ method: 'GET', baseUrl: closed, path: '/x' })).toEqual({
      answered: false,
      why: 'connection',
    });
  });
});
