import { mkdirSync } from 'node:fs';
import { errorCodes } from '@tsunagu/contracts';
import { chromiumPath, hasBrowser } from '@tsunagu/testing/browser';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startTestIdentity, type TestIdentity } from './test-identity.js';

/** Without a browser the steps over HTTP are shown by terminal-sessions and memberships. */
const withBrowser = hasBrowser('the kiosk page') ? describe : describe.skip;
/** Set to a directory to get the pictures of the documents. */
const pictures = process.env.KIOSK_SCREENSHOTS;

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startTestIdentity();
});
afterAll(() => identity.close());

it('the page is served with a policy, and the simulated reader in the test profile only', async () => {
  const page = await identity.service.call('GET', '/kiosk');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect((await identity.service.call('GET', '/kiosk/simulated-reader.js')).status).toBe(200);
  expect((await identity.service.call('GET', '/kiosk/..%2Fpackage.json')).status).toBe(404);
  const production = await startTestIdentity('production');
  expect((await production.service.call('GET', '/kiosk/kiosk.js')).status).toBe(200);
  expect((await production.service.call('GET', '/kiosk/simulated-reader.js')).status).toBe(404);
  await production.close();
});

it("the page's words are the catalogue's, in both languages", async () => {
  const { body } = await identity.service.call('GET', '/kiosk/texts.json');
  expect(Object.keys(body.problems)).toEqual(Object.keys(errorCodes));
  const { title, next } = errorCodes['identity.frozen'];
  expect(body.problems['identity.frozen']).toEqual({ title, next });
  expect(body.linkReasons.security_code_wrong.title.en).toBe('The provider did not accept the security code.');
});

withBrowser('the page in a browser, by keyboard alone', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const token = await identity.service.token({ role: 'operator' });
    const body = { name: '図書館' };
    await identity.service.call('PUT', '/identity/v1/member-services/library', { token, body });
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const kiosk = await identity.service.token({ role: 'kiosk', subject: 'kiosk-1' });
    const cards = JSON.stringify([await identity.card(), await identity.card()]);
    await page.goto(`${identity.service.url}/kiosk?service=library`);
    await page.locator('textarea[name=token]:focus').waitFor();
    await page.keyboard.insertText(kiosk);
    await page.keyboard.press('Tab');
    await page.keyboard.insertText(cards);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await title('カードを置いてください');
  });
  afterAll(() => browser?.close());

  const title = (text: string) => page.getByRole('heading', { name: text }).waitFor();

  async function picture(name: string): Promise<void> {
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}/${name}.png` });
  }

  it('registers a service card with a second tap, and looks it up', async () => {
    await picture('kiosk-1-start');
    await page.keyboard.press('1');
    await title('何をしますか');
    await page.getByText(/あと \d+ 秒/).waitFor();
    await page.keyboard.press('1');
    await title('サービスカードの番号');
    await page.keyboard.type('A-1-0001');
    await page.keyboard.press('Enter');
    await title('この番号で合っていますか');
    await picture('kiosk-3-compare');
    const streams = await identity.service.log.readLog({ after: 0, limit: 1_000, types: ['MembershipRegistered'] });
    expect(streams.events).toEqual([]);
    await page.keyboard.press('1');
    await title('登録しました');
    await picture('kiosk-4-registered');
    expect(await page.locator('.number').textContent()).toBe('A-1-0001');
    await page.keyboard.press('9');
    await title('カードを置いてください');
    await page.keyboard.press('1');
    await title('何をしますか');
    await page.keyboard.press('2');
    await title('登録されている番号');
    expect(await page.locator('.number').textContent()).toBe('A-1-0001');
    await page.keyboard.press('9');
  });

  it('refuses the second tap of another card, and shows no markup that somebody typed', async () => {
    await title('カードを置いてください');
    await page.keyboard.press('F2');
    await page.keyboard.press('1');
    await title('何をしますか');
    await page.keyboard.press('1');
    await title('サービスカードの番号');
    await page.keyboard.type('<b>9</b>');
    await page.keyboard.press('Enter');
    await title('この番号で合っていますか');
    expect(await page.locator('.number').textContent()).toBe('<b>9</b>');
    await page.keyboard.press('F1');
    await page.keyboard.press('1');
    await page.getByText('identity.signature_invalid').waitFor();
    await page.getByText('The signature does not belong to this challenge and certificate.').waitFor();
    await page.keyboard.press('9');
    await title('カードを置いてください');
  });
});
