import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thingsDefinition } from './fixture/things.js';
import { startTestService, type TestService } from './test-service.js';

describe('a route that takes a file', () => {
  let service: TestService;
  let token: string;
  let temporary: string;
  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'tsunagu-uploads-spec-'));
    process.env.TMPDIR = temporary;
    const uploads = [
      {
        method: 'PUT' as const,
        path: /^\/campaign\/v1\/things\/[^/]+\/file$/,
        mediaTypes: ['text/csv'],
        bytesMax: 1_000_000,
      },
    ];
    service = await startTestService({ ...thingsDefinition, uploads });
    token = await service.token({ role: 'operator' });
  });
  afterAll(async () => {
    delete process.env.TMPDIR;
    await service.close();
    await rm(temporary, { recursive: true });
  });

  const put = (rawBody: string, type = 'text/csv', as: string | undefined = token) =>
    service.call('PUT', '/campaign/v1/things/x/file', {
      ...(as === undefined ? {} : { token: as }),
      rawBody,
      headers: { 'content-type': type },
    });
  const spooled = () => readdir(temporary);

  it('hands it over whole, far beyond the limit of JSON, and leaves nothing behind', async () => {
    const text = 'a,b\r\n'.repeat(150_000);
    const hash = createHash('sha256').update(text).digest('hex');
    expect(await put(text, 'text/csv; charset=utf-8')).toMatchObject({
      status: 200,
      body: { bytes: 750_000, hash, begins: 'a,b\r\n' },
    });
    expect(await put('')).toMatchObject({ status: 200, body: { bytes: 0 } });
    expect(await spooled()).toEqual([]);
  });

  it('refuses more than its limit, said beforehand or not', async () => {
    expect(await put('x'.repeat(1_000_001))).toMatchObject({ status: 413, body: { code: 'request.too_large' } });
    const chunked = await fetch(`${service.url}/campaign/v1/things/x/file`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
      body: new Blob(['x'.repeat(1_000_001)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(await spooled()).toEqual([]);
  });

  it('reads nothing from who may not send one', async () => {
    expect((await put('a,b', 'text/csv', '')).status).toBe(401);
    expect((await put('a,b', 'text/csv', await service.token({ role: 'finance' }))).status).toBe(403);
  });

  it('takes its own media types only, and no other route takes them', async () => {
    expect((await put('{"bytesMax":5}', 'application/json')).status).toBe(415);
    expect((await put('a,b', 'text/plain')).status).toBe(415);
    const elsewhere = await service.call('POST', '/campaign/v1/things', {
      token,
      rawBody: 'a,b',
      headers: { 'content-type': 'text/csv', 'idempotency-key': 'file' },
    });
    expect(elsewhere).toMatchObject({ status: 415, body: { code: 'request.unsupported_media_type' } });
  });

  it('survives a sender who goes away in the middle', async () => {
    const { hostname, port } = new URL(service.url);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `PUT /campaign/v1/things/x/file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
            'Content-Type: text/csv\r\nContent-Length: 500000\r\n\r\na,b\r\n',
          () => socket.destroy(),
        );
      });
      socket.on('error', reject);
      socket.on('close', () => resolve());
    });
    expect((await put('a,b')).status).toBe(200);
    expect(service.logLines.filter(({ msg }) => msg === 'failed')).toEqual([]);
  });
});
