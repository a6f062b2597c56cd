import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const main = fileURLToPath(new URL('./fixture/main.ts', import.meta.url));
/** Nothing listens there: a service starts without its Kafka and goes on trying. */
const NO_KAFKA = '127.0.0.1:1';

interface Booted {
  readonly child: ChildProcess;
  /** Standard output and error so far. */
  text(): string;
  /** The first printed line that holds the text. */
  line(text: string): Promise<string>;
  readonly exit: Promise<number | null>;
}

function boot(env: Record<string, string>): Booted {
  const child = spawn(process.execPath, ['--import', join(root, 'tools/hook.mjs'), main], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let text = '';
  const waiting: { text: string; resolve(line: string): void }[] = [];
  const heard = (chunk: Buffer) => {
    text += chunk.toString();
    for (const wish of waiting) {
      const line = text.split('\n').find((each) => each.includes(wish.text));
      if (line) wish.resolve(line);
    }
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  return {
    child,
    text: () => text,
    line: (wanted) =>
      new Promise((resolve, reject) => {
        waiting.push({ text: wanted, resolve });
        child.once('exit', () => reject(new Error(`the process ended: ${text}`)));
        heard(Buffer.alloc(0));
      }),
    exit: new Promise((resolve) => child.once('exit', resolve)),
  };
}

describe('a service as a process of its own', () => {
  let database: TestDatabase;
  let keyDirectory: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    database = await testDatabase();
    keyDirectory = await mkdtemp(join(tmpdir(), 'tsunagu-boot-'));
    const urls = ['IDENTITY', 'SERVICE_LINK', 'CAMPAIGN', 'POINT_LEDGER', 'EXCHANGE_SETTLEMENT'];
    env = {
      TSUNAGU_PROFILE: 'test',
      DATABASE_URL: database.url,
      OWNER_DATABASE_URL: database.url,
      SETTINGS_DATABASE_URL: database.url,
      SETTINGS_OWNER_DATABASE_URL: database.url,
      KAFKA_BROKERS: NO_KAFKA,
      TSUNAGU_KEY_DIRECTORY: keyDirectory,
      ...Object.fromEntries(urls.map((name) => [`${name}_URL`, 'http://127.0.0.1:1'])),
      PORT: '0',
    };
  });
  afterAll(async () => {
    await database.close();
    await rm(keyDirectory, { recursive: true, force: true });
  });

  it('listens, says why it is not ready, shows its documents, and stops on a signal, which may come twice', async () => {
    const service = boot({ ...env, TSUNAGU_CLOCK: '2030-04-01T00:00:00Z' });
    const { url } = JSON.parse(await service.line('"listening"')) as { url: string };
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(503);
    const reasons = ['the keys that check tokens are not loaded', 'the ended sessions are not known yet'];
    expect(await ready.json()).toMatchObject({ reasons });
    expect(await (await fetch(`${url}/docs`)).text()).toContain('swagger-ui');
    expect((await fetch(`${url}/docs/swagger-ui.css`)).status).toBe(200);
    expect((await fetch(`${url}/campaign/openapi.json`)).status).toBe(200);
    // No key to check a token with is an outage, never a refusal.
    const token = `e30.${Buffer.from('{}').toString('base64url')}.x`;
    const asked = await fetch(`${url}/campaign/v1/things/mine`, { headers: { authorization: `Bearer ${token}` } });
    expect([401, 503]).toContain(asked.status);
    const { rows } = await database.pool.query('SELECT requested FROM platform.clock');
    expect(rows).toEqual([{ requested: '2030-04-01T00:00:00Z' }]);

    service.child.kill('SIGTERM');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(service.text()).toContain('"stopped"');
    expect(service.text()).not.toContain(new URL(database.url).password);
  });

  it.each([
    ['a wrong setting', { PORT: 'x' }, 'campaign: PORT must be a whole number from 0 to 65535, not "x".'],
    ['another profile', { TSUNAGU_PROFILE: 'production' }, 'belong to the test profile'],
    [
      'a database out of reach',
      { OWNER_DATABASE_URL: 'postgres://x:y@127.0.0.1:1/x' },
      '127.0.0.1:1 cannot be reached',
    ],
  ])('ends with one sentence and exit code 1 for %s', async (_, wrong, sentence) => {
    const service = boot({ ...env, ...wrong, LOG_LEVEL: 'silent' });
    expect(await service.exit).toBe(1);
    expect(service.text().trim().split('\n')).toHaveLength(1);
    expect(service.text()).toContain(sentence);
  });
});
