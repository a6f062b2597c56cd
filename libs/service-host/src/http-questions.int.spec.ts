import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { HttpQuestions } from './http-questions.js';
import { loadOrCreateKey, type SigningKey } from './keyring.js';
import { QuestionUnanswered } from './questions.js';

describe('questions over HTTP', () => {
  let server: Server;
  let directory: string;
  let key: SigningKey;
  let questions: HttpQuestions;
  let nowMs = 1_700_000_000_000;
  let asked: { url: string; method: string; body: string; token: string }[] = [];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsunagu-questions-'));
    key = await loadOrCreateKey(directory, 'service-campaign', 'RS256');
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const token = (request.headers.authorization ?? '').slice('Bearer '.length);
        asked.push({ url: request.url ?? '', method: request.method ?? '', body, token });
        answer(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const dead = 'http://127.0.0.1:1';
    const services = { identity: url, 'point-ledger': dead };
    questions = new HttpQuestions({ name: 'campaign', key: async () => key, clock: { now: () => nowMs }, services });
  });
  beforeEach(() => {
    asked = [];
    answer = (_, response) => response.end('{"answer":"yes"}');
  });
  afterAll(async () => {
    questions.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  it('asks below the internal path with a token of its own, made anew before it runs out', async () => {
    expect(await questions.ask('identity', 'rules/1?at=2')).toEqual({ answer: 'yes' });
    expect(asked[0]).toMatchObject({ url: '/identity/internal/v1/rules/1?at=2', method: 'GET' });
    const { payload, protectedHeader } = await jwtVerify(asked[0]?.token ?? '', createPublicKey(key.privateKey), {
      currentDate: new Date(nowMs),
    });
    expect(protectedHeader).toMatchObject({ kid: 'service-campaign-1', typ: 'at+jwt' });
    expect(payload).toMatchObject({ sub: 'campaign', role: 'service', exp: nowMs / 1_000 + 300 });
    await questions.ask('identity', 'rules/2');
    nowMs += 250_000;
    await questions.ask('identity', 'rules/3');
    expect(asked[1]?.token).toBe(asked[0]?.token);
    expect(asked[2]?.token).not.toBe(asked[0]?.token);
  });

  it('posts a question with a body', async () => {
    await questions.ask('identity', 'eligibility', { personId: 'p', rules: {} });
    expect(asked[0]).toMatchObject({ method: 'POST', body: '{"personId":"p","rules":{}}' });
  });

  it('shares one request between equal questions at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => questions.ask('identity', 'same')));
    expect(answers).toEqual(answers.map(() => ({ answer: 'yes' })));
    expect(asked).toHaveLength(1);
  });

  it('takes 404 for nothing there', async () => {
    answer = (_, response) => response.writeHead(404).end('{}');
    expect(await questions.ask('identity', 'x')).toBeUndefined();
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['a refusal', (_, response) => response.writeHead(403).end('{}')],
    ['an error', (_, response) => response.writeHead(500).end('{}')],
    ['no JSON', (_, response) => response.end('<html>')],
    ['a cut connection', (request) => request.socket.destroy()],
    [
      'half an answer',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{');
        setImmediate(() => request.socket.destroy());
      },
    ],
    ['silence', () => undefined],
  ])('%s is no answer', async (_, misbehaviour) => {
    answer = misbehaviour;
    const question = questions.ask('identity', 'x', undefined, { timeoutMs: 200 });
    await expect(question).rejects.toBeInstanceOf(QuestionUnanswered);
  });

  it('waits for an answer that a burst makes late: two seconds turned claims away on a small machine', async () => {
    answer = (_, response) => setTimeout(() => response.end('{"answer":"late"}'), 3_000);
    expect(await questions.ask('identity', 'burst')).toEqual({ answer: 'late' });
  });

  it('asks again on a new connection when the kept one was closed meanwhile', async () => {
    await questions.ask('identity', 'warm');
    let first = true;
    answer = (request, response) => {
      if (first) {
        first = false;
        request.socket.resetAndDestroy();
      } else response.end('{"answer":"no"}');
    };
    expect(await questions.ask('identity', 'again')).toEqual({ answer: 'no' });
  });

  it('does not answer for a service that is down or has no address', async () => {
    await expect(questions.ask('point-ledger', 'x')).rejects.toBeInstanceOf(QuestionUnanswered);
    await expect(questions.ask('service-link', 'x')).rejects.toThrow('no address');
  });

  it('is broken off by its signal', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const question = questions.ask('identity', 'held', undefined, { timeoutMs: 60_000, signal: stop.signal });
    stop.abort();
    await expect(question).rejects.toBeInstanceOf(QuestionUnanswered);
  });
});
