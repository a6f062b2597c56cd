import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { serviceNames } from '@tsunagu/contracts';
import { PlatformProcess } from './platform-process.js';

describe('the platform as its operator starts and stops it', () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
  }, 90_000);
  afterAll(() => platform.remove());

  it('says what it started, where, in which profile, and what to try next', () => {
    expect(platform.output).toContain(platform.api.baseUrl);
    expect(platform.output).toContain('test');
    expect(platform.output).toContain('npx tsunagu demo');
  });

  it('takes a point the whole way in the demo, then verifies and replays the claim', async () => {
    const demo = await platform.run('demo');
    expect(demo).toMatchObject({ code: 0 });
    const claimId = /replay ([0-9a-f-]{36})/.exec(demo.stdout)?.[1] ?? '';
    for (const step of [
      'card',
      'session',
      'claim',
      'granted',
      'established',
      'confirmed',
      'zengin.txt',
      'manifest.json',
    ]) {
      expect(demo.stdout).toContain(step);
    }
    const verified = await platform.run('verify');
    expect(verified).toMatchObject({ code: 0 });
    const replayed = await platform.run('replay', claimId);
    expect(replayed).toMatchObject({ code: 0 });
    expect(replayed.stdout).toContain('the same');
    expect(await platform.run('replay', '019ab3f0-6c00-7000-8000-0000000000c1')).toMatchObject({ code: 1 });
    const status = await platform.run('status');
    expect(status).toMatchObject({ code: 0 });
    for (const service of serviceNames) expect(status.stdout).toContain(service);
    expect(await platform.run('redrive', '--service', 'campaign')).toMatchObject({
      code: 0,
      stdout: '0 dead letters of campaign are tried again\n',
    });
    expect(await platform.run('redrive', '--service', 'mint')).toMatchObject({ code: 1 });
    expect(await platform.run('redrive', '--service', 'campaign', '--event', 'x')).toMatchObject({ code: 1 });
  }, 120_000);

  it('ends quietly when whoever reads its output has seen enough', async () => {
    const { code, stderr } = await platform.runUntilRead('status');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('answers health, metrics, documents and OpenAPI, and no internal address, however it is spelt', async () => {
    const get = (path: string) => fetch(platform.api.baseUrl + path);
    expect(await (await get('/health/live')).json()).toEqual({ status: 'live' });
    expect(await (await get('/health/ready')).json()).toMatchObject({ status: 'ready' });
    expect(await (await get('/metrics')).text()).toContain('# TYPE');
    expect(await (await get('/docs')).text()).toContain('swagger-ui');
    for (const service of serviceNames) {
      const document = (await (await get(`/${service}/openapi.json`)).json()) as { paths: Record<string, unknown> };
      expect(Object.keys(document.paths).length).toBeGreaterThan(0);
      for (const address of ['internal', '%69nternal', './internal', '/internal', 'x/../internal']) {
        expect([400, 404]).toContain((await get(`/${service}/${address}/v1/log`)).status);
      }
    }
  });

  it('refuses a second platform on the same data, and one on the same port, with one sentence', async () => {
    const second = await PlatformProcess.create({ environment: { TSUNAGU_DATA: platform.dataDirectory } });
    await expect(second.start()).rejects.toThrow(/ended with 1:\nA platform is already running on .*\n$/);
    const blocker = createServer().listen(second.port, '127.0.0.1');
    const third = await PlatformProcess.create({ environment: { PORT: String(second.port) } });
    await expect(third.start()).rejects.toThrow(/ended with 1:\nPort \d+ is in use: .*\n$/);
    blocker.close();
    await third.remove();
    await second.remove();
  });

  it.each([
    [{ PORT: 'http' }, /PORT is "http"/],
    [{ TSUNAGU_PROFILE: 'staging' }, /TSUNAGU_PROFILE is "staging"/],
    [{ HOST: '0.0.0.0' }, /loopback only/],
    [{ TSUNAGU_CLOCK: 'tomorrow' }, /TSUNAGU_CLOCK is "tomorrow"/],
    [{ TSUNAGU_DATA: '/dev/null/data' }, /data directory \/dev\/null\/data cannot be made/],
  ])('refuses the setting %j with one sentence', async (environment, sentence) => {
    const wrong = await PlatformProcess.create({ environment: environment as Record<string, string> });
    const refused = await wrong.start().catch((error: Error) => error.message);
    expect(refused).toMatch(/ended with 1:\n[^\n]*\n$/);
    expect(refused).toMatch(sentence);
    await wrong.remove();
  });

  it('moves its clock forward for every service, and keeps it over a restart', async () => {
    const shown = await platform.run('clock', '--forward', '2d');
    expect(shown).toMatchObject({ code: 0 });
    await platform.stop('SIGTERM');
    await platform.start();
    const after = await platform.run('clock');
    expect(Date.parse(after.stdout.split(' ')[0] ?? '')).toBeGreaterThan(Date.now() + 86_400_000);
  }, 90_000);

  it('prints as many tokens as were asked for, whole, whatever a pipe takes at a time', async () => {
    const tokens = await platform.tokens('--role', 'citizen', '--count', '500');
    expect(tokens).toHaveLength(500);
    await platform.api.expect(200, 'GET', '/point-ledger/v1/accounts/me', { token: tokens.at(-1) ?? '' });
  });

  it('stops with SIGTERM and with SIGINT, its PostgreSQL with it, and finds its data again', async () => {
    const [token] = await platform.tokens('--role', 'citizen', '--count', '1');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      expect(await platform.stop(signal)).toBe(0);
      expect(processesNaming(platform.dataDirectory)).toEqual([]);
      await platform.start();
    }
    await platform.api.expect(200, 'GET', '/point-ledger/v1/accounts/me', { token: token ?? '' });
  }, 90_000);

  it('takes over what a kill -9 left behind', async () => {
    await platform.stop('SIGKILL');
    await platform.start();
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 90_000);
});

/** Command lines of running processes that name a directory. */
function processesNaming(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(directory));
}
