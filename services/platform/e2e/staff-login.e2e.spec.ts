import { mkdirSync } from 'node:fs';
import { servicePool } from '@tsunagu/service-host';
import { chromiumPath, hasBrowser } from '@tsunagu/testing/browser';
import { SimulatedLogin } from '@tsunagu/testing/login';
import { type Browser, chromium, type Page } from 'playwright-core';
import { DataDirectory } from '../src/data-directory.js';
import { databaseUrls } from '../src/database.js';
import { LocalProvider } from './local-provider.js';
import { PlatformProcess } from './platform-process.js';

const redirectsMax = 10;
const clientId = 'tsunagu';
const withBrowser = hasBrowser('both logins') ? describe : describe.skip;
/** Set to a directory to get the pictures of the documents. */
const pictures = process.env.LOGIN_SCREENSHOTS;

describe('staff log in at the development login', () => {
  let platform: PlatformProcess;
  /** Of citizens, beside it. */
  let national: SimulatedLogin;
  /** What they are sent back to. */
  let app: LocalProvider;
  let redirectUri: string;
  beforeAll(async () => {
    national = await SimulatedLogin.listen();
    app = await LocalProvider.listen('app', (_call, response) => response.end('back in the app'));
    redirectUri = `${app.baseUrl}/login`;
    platform = await PlatformProcess.create({
      environment: {
        TSUNAGU_LOGIN_ISSUER: national.issuer,
        TSUNAGU_LOGIN_CLIENT_ID: clientId,
        TSUNAGU_LOGIN_REDIRECT_URI: redirectUri,
      },
    });
    await platform.start();
  }, 120_000);
  afterAll(async () => {
    await platform?.remove();
    await Promise.all([national?.close(), app?.close()]);
  });

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

  const reads = ['/point-ledger/v1/funds', '/campaign/v1/campaigns', '/identity/v1/staff-sessions'];
  async function refusedEverywhere(token: string): Promise<void> {
    for (const path of reads) {
      let status = 0;
      // The other services hear of it within moments, by their question to identity.
      for (let asked = 0; asked < 100 && status !== 401; asked += 1) {
        ({ status } = await platform.api.call('GET', path, { token }));
      }
      expect([path, status]).toEqual([path, 401]);
    }
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
    for (const path of reads) await platform.api.expect(200, 'GET', path, { token });
    await platform.api.expect(204, 'DELETE', '/identity/v1/staff-sessions/current', { token });
    await refusedEverywhere(token);
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

  withBrowser('in a browser', () => {
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
    }, 60_000);
    afterAll(() => browser?.close());
    beforeEach(async () => {
      page = await browser.newPage({ viewport: { width: 1000, height: 600 } });
    });
    afterEach(() => page.close());

    const said = (words: string | RegExp) => page.getByRole('status').getByText(words).waitFor();
    async function picture(name: string): Promise<void> {
      if (!pictures) return;
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: `${pictures}/${name}.png` });
    }
    /** To the page on which somebody says who they are. */
    async function begin(role: string): Promise<void> {
      await page.goto(`${platform.api.baseUrl}/sim-login`);
      await page.getByLabel('Role of the session').selectOption(role);
      if (role === 'operator') await picture('login-1-start');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByLabel('Subject').fill('hanako <b>');
    }
    const approve = () => page.getByRole('button', { name: 'Approve' }).click();

    it('an operator logs in, works with the token, and is out everywhere after logging out', async () => {
      await begin('operator');
      await picture('login-2-who');
      await approve();
      await said(/^operator of demo until/);
      await picture('login-3-token');
      // Neither code nor state stay in the address or in the history.
      expect(page.url()).toBe(`${platform.api.baseUrl}/sim-login/done`);
      const token = await page.getByLabel('Access token').inputValue();
      await platform.api.expect(201, 'POST', '/campaign/v1/programmes', {
        token,
        body: { programmeId: 'by-browser', name: 'By browser', providersPerPerson: 'one', linkConfirmation: 'none' },
      });
      for (const path of reads) await platform.api.expect(200, 'GET', path, { token });
      await page.getByRole('button', { name: 'Log out' }).click();
      await said('Logged out.');
      expect(await page.getByLabel('Access token').isVisible()).toBe(false);
      await refusedEverywhere(token);
      await page.reload();
      await said('Nothing is under way here: begin a login.');
    });

    it('a state that is not the login’s is refused, and the right one still counts after it', async () => {
      await begin('finance');
      const returned = new URL(`${platform.api.baseUrl}/sim-login/done`);
      // As somebody's page would that was made to bring another login's return.
      await page.route('**/staff-logins/*/complete', (route) => {
        const body = route.request().postDataJSON() as Record<string, string>;
        returned.search = String(new URLSearchParams(body));
        return route.continue({ postData: JSON.stringify({ ...body, state: `${body.state}x` }) });
      });
      await approve();
      await said(/identity\.login_invalid/);
      await picture('login-4-refused');
      expect(await page.getByLabel('Access token').isVisible()).toBe(false);
      await page.unrouteAll();
      await page.goto(returned.href);
      await said(/^finance of demo until/);
      await page.goto(returned.href);
      await said('Nothing is under way here: begin a login.');
    });

    it('nobody gets a role that the login does not give, and the page says so', async () => {
      await begin('finance');
      for (const role of ['operator', 'finance', 'auditor']) await page.getByLabel(role).uncheck();
      await approve();
      await said(/The login gives the role support, not finance\..*\(identity\.staff_not_admitted\)/);
    });

    it('a citizen comes back from the national login’s own pages, and only the one who began it completes it', async () => {
      const { api } = platform;
      const path = '/identity/v1/national-login';
      const jwks = await api.expect<{ keys: [] }>(200, 'GET', `${path}/jwks.json`);
      national.serve([{ clientId, redirectUri, jwks }]);
      const accountId = national.account({ name: '試験花子', birthdate: '1987-12-13' });
      const visit = async () => {
        const begun = await api.expect<{ loginId: string; authorizationUrl: string }>(201, 'POST', path, { body: {} });
        await page.goto(begun.authorizationUrl);
        // Whom the login remembers is not asked again.
        if (!page.url().startsWith(redirectUri)) {
          await page.getByLabel('Account').selectOption(accountId);
          await page.getByRole('button', { name: 'Approve' }).click();
        }
        await page.getByText('back in the app').waitFor();
        const { code, state, iss } = Object.fromEntries(new URL(page.url()).searchParams);
        return { loginId: begun.loginId, body: { code, state, iss } };
      };
      const [one, other] = [await visit(), await visit()];
      const crossed = await api.call('POST', `${path}/${other.loginId}/complete`, { body: one.body });
      expect([crossed.status, crossed.body.code]).toEqual([401, 'identity.login_invalid']);
      const persons = [];
      for (const { loginId, body } of [one, other]) {
        const done = await api.expect<{ accessToken: string; person: { personId: string } }>(
          201,
          'POST',
          `${path}/${loginId}/complete`,
          { body },
        );
        persons.push(done.person.personId);
        await api.expect(200, 'GET', '/campaign/v1/claims', { token: done.accessToken });
      }
      expect(new Set(persons).size).toBe(1);
    });
  });
});
