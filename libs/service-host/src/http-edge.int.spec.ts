import { connect } from 'node:net';
import fc from 'fast-check';
import { thingsDefinition } from './fixture/things.js';
import { bodyBytesMax, headersMax, urlCharactersMax } from './http-edge.js';
import { type CallOptions, startTestService, type TestService } from './test-service.js';

describe('hostile input', () => {
  let service: TestService;
  let token: string;
  let keys = 0;
  beforeAll(async () => {
    service = await startTestService(thingsDefinition);
    token = await service.token({ role: 'operator' });
  });
  afterAll(() => service.close());

  const post = (rawBody: string | Uint8Array, more: CallOptions = {}) =>
    service.call('POST', '/campaign/v1/things', {
      token,
      rawBody,
      ...more,
      headers: { 'idempotency-key': `hostile-${++keys}`, ...more.headers },
    });

  /** Bytes on the bare connection, and all that comes back. */
  function raw(text: string): Promise<string> {
    const { hostname, port } = new URL(service.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(text));
      let answer = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
      socket.setTimeout(2_000, () => socket.destroy());
    });
  }

  it.each<[string, string | Uint8Array]>([
    ['cut JSON', '{"name":'],
    ['no JSON', 'name=x'],
    ['an empty body', ''],
    ['a bare value', '"x"'],
    ['an array', '[]'],
    ['null', 'null'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['a key twice', '{"name":"a","name":"b"}'],
    ['a key twice, once escaped', '{"name":"a","n\\u0061me":"b"}'],
    ['nesting', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a prototype', '{"name":"a","__proto__":{"x":1}}'],
    ['a constructor', '{"name":"a","constructor":{"prototype":{}}}'],
    ['an infinite number', '{"name":"a","amount":1e999}'],
    ['a NUL', '{"name":"a\\u0000b"}'],
    ['a lone surrogate', '{"name":"\\ud800"}'],
    ['a wrong type', '{"name":{"a":1}}'],
    ['a string for a number', '{"name":"a","amount":"1"}'],
    ['a fraction', '{"name":"a","amount":1.5}'],
    ['a number out of range', '{"name":"a","amount":1001}'],
    ['a long string', JSON.stringify({ name: 'x'.repeat(51) })],
    ['an unknown field', '{"name":"a","nmae":"b"}'],
  ])('%s is answered with 400', async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 400, body: { code: 'request.invalid', status: 400 } });
  });

  it('names each wrong field once, with a code', async () => {
    const { body } = await post('{"amount":-1,"extra":1}');
    expect(body.errors).toEqual([
      { field: 'extra', code: 'unknown_field', message: expect.any(String) },
      { field: 'name', code: expect.any(String), message: expect.any(String) },
      { field: 'amount', code: 'min', message: expect.any(String) },
    ]);
  });

  it.each([
    '{"name":"123456789018"}',
    '{"name":"1234 5678 9018"}',
    '{"name":"\\uff11\\uff12\\uff13\\uff14\\uff15\\uff16\\uff17\\uff18\\uff19\\uff10\\uff11\\uff18"}',
    '{"123456789018":"a"}',
    '{"name":"a","extra":{"note":["my number is 123456789018"]}}',
  ])('a My Number is refused and not repeated: %s', async (body) => {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.my_number' } });
    expect(JSON.stringify(answer.body)).not.toContain('9018');
  });

  it.each([
    '/campaign/v1/things/123456789018',
    '/campaign/v1/things/ab?name=1234+5678+9018',
    '/campaign/v1/things/ab?name=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94567890%31%38%20',
    '/campaign/v1/nothing/1234-5678-9018',
  ])('a My Number in an address is refused: %s', async (path) => {
    expect(await service.call('GET', path, { token })).toMatchObject({
      status: 400,
      body: { code: 'request.my_number' },
    });
  });

  it('a body too large is 413, in one piece or in chunks', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(bodyBytesMax) });
    expect(await post(large)).toMatchObject({ status: 413, body: { code: 'request.too_large' } });
    const answer = await raw(
      `POST /campaign/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${(70_000).toString(16)}\r\n${'x'.repeat(70_000)}\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'x',
  ])('content type %s is 415', async (contentType) => {
    const answer = await post('{"name":"a"}', { headers: { 'content-type': contentType } });
    expect(answer).toMatchObject({ status: 415, body: { code: 'request.unsupported_media_type' } });
  });

  it('an unknown address is 404, a wrong method 405 with the right ones', async () => {
    expect(await service.call('GET', '/campaign/v1/nothing')).toMatchObject({
      status: 404,
      body: { code: 'request.not_found' },
    });
    const answer = await service.call('DELETE', '/campaign/v1/things/abc');
    expect(answer).toMatchObject({ status: 405, body: { code: 'request.method_not_allowed' } });
    expect(answer.headers.get('allow')).toContain('GET');
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      expect(await raw(`${method} /campaign/v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(
        / 40[45] /,
      );
    }
  });

  it('a malformed address is 400, one too long 413, one with NUL 404 or 400', async () => {
    const get = (path: string) =>
      raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`);
    expect(await get('/campaign/v1/things/%zz')).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/);
    expect(await get('/campaign/v1/things/%ff%fe')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get('/campaign/v1/things/a%00b')).toMatch(/^HTTP\/1\.1 404 /);
    expect(await get('/campaign/v1/things/ab?name=%00')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get('/campaign/v1/things/ab?name=a&name=b')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get('/campaign/v1/things/ab?nmae=a')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get(`/campaign/v1/things/${'a'.repeat(201)}`)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await get(`/campaign/v1/things/a?name=${'a'.repeat(urlCharactersMax)}`)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await get('http://elsewhere/campaign/v1/things/open')).toMatch(/^HTTP\/1\.1 [24]0/);
    expect(await get('*')).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(await get('//campaign/v1/things')).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('too many headers, headers too large and bytes that are no HTTP are refused', async () => {
    const many = Array.from({ length: headersMax + 1 }, (_, index) => `X-${index}: 1\r\n`).join('');
    expect(await raw(`GET /campaign/v1/things/open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${many}\r\n`)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
    const large = `X-Large: ${'x'.repeat(20_000)}\r\n`;
    expect(await raw(`GET /campaign/v1/things/open HTTP/1.1\r\nHost: x\r\n${large}\r\n`)).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*request\.too_large/,
    );
    expect(await raw('\x16\x03\x01hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*request\.invalid/);
    expect(await raw('GET /campaign HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    const smuggled = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('speaks Japanese to who prefers it', async () => {
    const answer = await service.call('GET', '/nothing', { headers: { 'accept-language': 'ja-JP,ja;q=0.9,en;q=0.8' } });
    expect(answer.headers.get('content-language')).toBe('ja');
    expect(answer.body.title).toBe('見つかりません。');
    expect(
      (await service.call('GET', '/nothing', { headers: { 'accept-language': 'en,ja;q=0.5' } })).body.title,
    ).toMatch(/^There/);
  });

  it('every problem has the members of RFC 9457 and a trace id that is in the answer`s header', async () => {
    const answer = await service.call('GET', '/nothing');
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toEqual({
      type: 'urn:tsunagu:problem:request.not_found',
      title: expect.any(String),
      status: 404,
      detail: expect.any(String),
      code: 'request.not_found',
      traceId: answer.headers.get('correlation-id'),
      next: expect.any(String),
    });
  });

  it('no JSON whatever gives a 5xx', async () => {
    const hostile = fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.json({ maxDepth: 8 }),
      fc.string({ unit: 'binary' }),
      fc.record({ name: fc.string({ unit: 'binary' }), amount: fc.double() }).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(hostile, fc.webPath(), async (body, path) => {
        expect((await post(body)).status).toBeLessThan(500);
        expect((await service.call('GET', `/campaign/v1/things${path}`, { token })).status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
  });
});
