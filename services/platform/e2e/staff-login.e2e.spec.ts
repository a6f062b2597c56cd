import { servicePool } from '@tsunagu/service-host';
import { DataDirectory } from '../src/data-directory.js';
import { databaseUrls } from '../src/database.js';
import { PlatformProcess } from './platform-process.js';

const redirectsMax = 10;

describe('staff log in at the development login', () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
  }, 120_000);
  afterAll(() => platform?.remove());

  /** The way of a browser through the login's pages, whose form says who somebody is; gives the redirect's parameters. */
  async function approve(authorizationUrl: string, subject: string, roles: readonly string[]) {
    const cookies = new Map<string, string>();
    const form = new URLSearchParams({ subject });
    for (const role of roles) form.append('roles', role);
    let at = new URL(authorizationUrl);
    let body: URLSearchParams | undefined;
    for (let redirects = 0; redirects < redirectsMax; redirects += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const method = body ? 'POST' : 'GET';
      const response = await fetch(at, { method, redirect: 'manual', headers: { cookie }, body: body ?? null });
      for (const set of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get('location');
      body = undefined;
      if (location) at = new URL(location, platform.api.baseUrl);
      else if (at.pathname.includes('/interaction/')) body = form;
      else throw new Error(`the login answered ${response.status}: ${await response.text()}`);
      if (at.pathname === '/sim-login/done') return Object.fromEntries(at.searchParams);
    }
    throw new Error('the login redirects without end');
  }
  async function login(role: string, subject: string, roles: readonly string[]) {
    const begun = await platform.api.expect<{ loginId: string; authorizationUrl: string }>(
      201,
      'POST',
      '/identity/v1/staff-logins',
      { body: { role } },
    );
    const returned = await approve(begun.authorizationUrl, subject, roles);
    return platform.api.call<{ accessToken: string; subject: string; code: string }>(
      'POST',
      `/identity/v1/staff-logins/${begun.loginId}/complete`,
      { body: returned },
    );
  }

  it('an operator makes a programme, logs out, and is refused by every service', async () => {
    expect(platform.output).toContain('/sim-login');
    const done = await login('operator', 'hanako', ['operator', 'finance']);
    expect(done.status).toBe(201);
    const token = done.body.accessToken;
    await platform.api.expect(201, 'POST', '/campaign/v1/programmes', {
      token,
      body: { programmeId: 'by-login', name: 'By login', providersPerPerson: 'one', linkConfirmation: 'none' },
    });
    const reads = ['/point-ledger/v1/funds', '/campaign/v1/campaigns', '/identity/v1/staff-sessions'];
    for (const path of reads) await platform.api.expect(200, 'GET', path, { token });
    await platform.api.expect(204, 'DELETE', '/identity/v1/staff-sessions/current', { token });
    for (const path of reads) {
      let status = 0;
      // The other services hear of it within moments, by their question to identity.
      for (let asked = 0; asked < 100 && status !== 401; asked += 1) {
        ({ status } = await platform.api.call('GET', path, { token }));
      }
      expect([path, status]).toEqual([path, 401]);
    }
    const finance = await login('finance', 'hanako', ['operator', 'finance']);
    expect(finance.body.subject).toBe(done.body.subject);
  });

  it('nobody is admitted with a role that the login does not give', async () => {
    const { status, body } = await login('finance', 'taro', ['support']);
    expect([status, body.code]).toEqual([403, 'identity.staff_not_admitted']);
  });

  it('shows its pages', async () => {
    for (const path of ['/sim-login', '/sim-login/done']) {
      const page = await fetch(platform.api.baseUrl + path);
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(await page.text()).toContain('Development login');
    }
  });

  it('command-line tokens are refused for data of the production profile, whatever the environment says', async () => {
    const directory = new DataDirectory(platform.dataDirectory);
    const { postgresUrl } = directory.running() ?? { postgresUrl: '' };
    const { owner } = databaseUrls(postgresUrl, directory.passwords(), directory.ledgerLogs());
    const pool = servicePool({ url: owner, schema: 'platform', connectionsMax: 1 });
    const record = (profile: string) => pool.query('update platform.profile set profile = $1', [profile]);
    try {
      await record('production');
      for (const role of ['operator', 'citizen']) {
        const { code, stdout, stderr } = await platform.run('token', '--role', role);
        expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(/^[^\n]*production profile[^\n]*\n$/)]);
      }
      await record('test');
      expect(await platform.run('token', '--role', 'operator')).toMatchObject({ code: 0 });
    } finally {
      await pool.end();
    }
  }, 90_000);
});
