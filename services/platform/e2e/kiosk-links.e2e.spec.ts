import { mkdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { Card } from '@tsunagu/testing';
import { chromiumPath, hasBrowser } from '@tsunagu/testing/browser';
import { type Browser, chromium, type Page } from 'playwright-core';
import { untilState } from './launch.js';
import { answerJson, confirmed, LocalProvider } from './local-provider.js';
import { People, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';
import { allEvents } from './recorded.js';

const withBrowser = hasBrowser('links at the kiosk') ? describe : describe.skip;
/** Set to a directory to get the pictures of the documents. */
const pictures = process.env.KIOSK_SCREENSHOTS;

withBrowser('a payment account is linked at the kiosk, by keyboard alone', () => {
  let platform: PlatformProcess;
  let people: People;
  let browser: Browser;
  let page: Page;
  let cards: Card[];
  beforeAll(async () => {
    platform = await PlatformProcess.create({
      environment: { TSUNAGU_LINK_SWEEP_SECONDS: '1', TSUNAGU_WRONG_CODES_PER_ACCOUNT_HOUR: '2' },
    });
    await platform.start();
    people = People.of(platform);
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await platform?.remove();
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.clock.install();
    const kiosk = await people.staff('kiosk', { subject: 'kiosk-1' });
    await page.goto(`http://127.0.0.1:${platform.port}/kiosk`);
    await page.locator('textarea[name=token]:focus').waitFor();
    await page.keyboard.insertText(kiosk);
    await page.keyboard.press('Tab');
    cards = await people.cards(2);
    await page.keyboard.insertText(JSON.stringify(cards));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await title('カードを置いてください');
  });
  afterEach(() => page.close());

  const title = (text: string) => page.getByRole('heading', { name: text }).waitFor();
  const text = (words: string | RegExp) => page.getByText(words).waitFor();

  /** Nothing may lie below the edge of a screen that nobody can scroll without a mouse. */
  async function picture(name: string): Promise<void> {
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThanOrEqual(900);
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}/${name}.png` });
  }

  async function atProviders(): Promise<void> {
    await page.keyboard.press('1');
    await title('何をしますか');
    await page.keyboard.press('3');
    await title('どの決済サービスですか');
  }

  /** From the start to the question whether the number is right; `key` is the provider's. */
  async function typed(accountId: string, code: string, key = '1'): Promise<void> {
    await atProviders();
    await page.keyboard.press(key);
    await typedAgain(accountId, code);
  }

  async function typedAgain(accountId: string, code: string): Promise<void> {
    await title('アカウントの番号');
    await page.keyboard.type(accountId);
    await page.keyboard.press('Enter');
    await title('セキュリティコード');
    await page.keyboard.type(code);
    // Held down: it must not push the first button of the next screen.
    for (let times = 0; times < 5; times += 1) await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    await title('この番号で合っていますか');
    expect(await page.locator('.number').textContent()).toBe(accountId);
  }

  /** The types of the events of all links since the last look. */
  let seen = 0;
  async function linkEvents(): Promise<string[]> {
    const all = (await allEvents(people.databases)).filter(({ stream }) => stream.startsWith('link-'));
    const found = all.slice(seen).map(({ type }) => type);
    seen = all.length;
    return found;
  }

  it('with a tap for the wish and a second one after the masked name was seen', async () => {
    const { providerAccountId, securityCode } = simPayAccount();
    await page.keyboard.press('1');
    await title('何をしますか');
    await picture('kiosk-2-menu');
    await page.keyboard.press('3');
    await title('どの決済サービスですか');
    await picture('kiosk-6-providers');
    await page.keyboard.press('1');
    await title('アカウントの番号');
    // The page's own keys, and a keyboard that goes on where they stopped.
    for (const digit of providerAccountId.slice(0, 4)) await page.locator('.keypad button', { hasText: digit }).click();
    await page.locator('.keypad button', { hasText: '0' }).click();
    await page.locator('.keypad button', { hasText: '⌫' }).click();
    await page.keyboard.type(providerAccountId.slice(4));
    await picture('kiosk-7-account');
    await page.keyboard.press('Enter');
    await title('セキュリティコード');
    await page.keyboard.type(securityCode);
    await picture('kiosk-8-code');
    await page.locator('.keypad button', { hasText: 'Enter' }).click();
    await title('この番号で合っていますか');
    expect(await page.locator('.number').textContent()).toBe(providerAccountId);
    expect(await linkEvents()).toEqual([]);
    await page.keyboard.press('1');
    await title('ご本人の名義ですか');
    expect(await page.locator('.number').textContent()).toBe('試＊ 見＊');
    await picture('kiosk-9-masked-name');
    expect(await linkEvents()).toEqual(['LinkRequested', 'ProviderConfirmed']);
    await page.keyboard.press('1');
    await title('連携しました');
    await picture('kiosk-10-linked');
    expect(await linkEvents()).toEqual(['LinkEstablished']);
    await page.keyboard.press('F10');
    await text('カードが取り出されたので終わりました');
    expect(await page.locator('#left').textContent()).toBe('');
  }, 60_000);

  it('not with a wrong code: both languages say why, and the number is typed again', async () => {
    const { providerAccountId, securityCode } = simPayAccount();
    await typed(providerAccountId, securityCode === '0000' ? '1111' : '0000');
    await page.keyboard.press('1');
    await title('セキュリティコードが正しくありません。');
    await text('The provider did not accept the security code.');
    await text('Read the code again at the provider and link anew.');
    await picture('kiosk-11-wrong-code');
    expect(await linkEvents()).toEqual(['LinkRequested', 'LinkRefused']);
    await page.keyboard.press('1');
    await typedAgain(providerAccountId, securityCode);
    await page.keyboard.press('1');
    await title('ご本人の名義ですか');
    expect(await linkEvents()).toEqual(['LinkRequested', 'ProviderConfirmed']);
  }, 60_000);

  it('not with another card at the second tap, which may be made again with the right one', async () => {
    const { providerAccountId, securityCode } = simPayAccount();
    await typed(providerAccountId, securityCode);
    await page.keyboard.press('1');
    await title('ご本人の名義ですか');
    await linkEvents();
    await page.keyboard.press('F2');
    await page.keyboard.press('1');
    await text('identity.signature_invalid');
    await text('The signature does not belong to this challenge and certificate.');
    await picture('kiosk-5-refused');
    expect(await linkEvents()).toEqual([]);
    await page.keyboard.press('F1');
    await page.keyboard.press('1');
    await title('ご本人の名義ですか');
    await page.keyboard.press('1');
    await title('連携しました');
  }, 60_000);

  it('not when the card is removed between the two taps, nor when the time is over', async () => {
    const { providerAccountId, securityCode } = simPayAccount();
    await typed(providerAccountId, securityCode);
    await page.keyboard.press('1');
    await title('ご本人の名義ですか');
    await linkEvents();
    await page.keyboard.press('F10');
    await text('The card was taken away, so this is over.');
    await picture('kiosk-12-removed');
    expect(await page.getByText('試＊ 見＊').count()).toBe(0);
    await page.keyboard.press('1');
    await title('カードを読み取れません');
    await text('The card could not be read');
    await page.keyboard.press('9');
    await title('カードを置いてください');
    await page.keyboard.press('F1');
    await typed(providerAccountId, securityCode);
    await page.clock.fastForward('02:01');
    await text('The time was over.');
    expect(await linkEvents()).toEqual([]);
  }, 60_000);

  it('not when the person says that the name is not theirs: the link lapses by itself', async () => {
    const { providerAccountId, securityCode } = simPayAccount();
    await typed(providerAccountId, securityCode);
    const answered = page.waitForResponse((response) => response.url().endsWith('/service-link/v1/links'));
    await page.keyboard.press('1');
    const { linkId } = await (await answered).json();
    await title('ご本人の名義ですか');
    await linkEvents();
    await page.keyboard.press('2');
    await title('連携していません');
    await picture('kiosk-13-not-mine');
    await page.keyboard.press('9');
    await title('カードを置いてください');
    expect(await linkEvents()).toEqual([]);
    expect(await platform.run('clock', '--forward', '25h')).toMatchObject({ code: 0 });
    const { body } = await people.signIn(cards[0] as Card);
    const path = `/service-link/v1/links/${linkId}`;
    expect(await untilState(platform.api, path, body.accessToken, ['refused', 'established'])).toMatchObject({
      state: 'refused',
      reasonCode: 'confirmation_expired',
    });
  }, 60_000);

  it('not after too many wrong codes: both languages say how long to wait, and no provider is asked', async () => {
    const { providerAccountId, securityCode } = simPayAccount();
    const wrong = securityCode === '0000' ? '1111' : '0000';
    await typed(providerAccountId, wrong);
    await page.keyboard.press('1');
    await title('セキュリティコードが正しくありません。');
    await page.keyboard.press('1');
    await typedAgain(providerAccountId, wrong);
    await page.keyboard.press('1');
    await title('セキュリティコードが正しくありません。');
    await linkEvents();
    await page.keyboard.press('1');
    await typedAgain(providerAccountId, securityCode);
    await page.keyboard.press('1');
    await title('セキュリティコードの入力回数が上限に達しました。');
    await text('Too many security codes were tried.');
    await text(/約 6\d 分後にお試しください。/);
    await text(/Try again in about 6\d minutes\./);
    await picture('kiosk-14-too-many');
    expect(await linkEvents()).toEqual([]);
  }, 60_000);

  it('of a provider that answers late: nothing is linked until it did, and until the person confirmed', async () => {
    const waiting: ServerResponse[] = [];
    const late = await LocalProvider.listen('sim-pay-late', (call, response) => {
      if (call === 'POST /account-confirmations') waiting.push(response);
      else answerJson(response, 404, {});
    });
    await late.register(platform.api, await people.staff('operator'), { name: 'おそいペイ' });
    await typed('12345678', 'AB12', '2');
    await linkEvents();
    await page.keyboard.press('1');
    await title('決済サービスの返事を待っています');
    await text('Nothing is linked yet. After the answer you confirm it yourself.');
    await picture('kiosk-15-waiting');
    await page.keyboard.press('1');
    await title('まだ返事がありません');
    await text('Still no answer');
    expect(await linkEvents()).toEqual(['LinkRequested']);
    for (const response of waiting) confirmed(response, 'late-reference');
    await page.keyboard.press('1');
    await title('ご本人の名義ですか');
    expect(await page.locator('.number').textContent()).toContain('No name is given');
    expect(await linkEvents()).toEqual(['ProviderConfirmed']);
    await page.keyboard.press('1');
    await title('連携しました');
    expect(await linkEvents()).toEqual(['LinkEstablished']);
    await late.close();
  }, 60_000);

  it('of one of many providers, page by page and back', async () => {
    const operator = await people.staff('operator');
    const terms = await LocalProvider.listen('none', (_call, response) => answerJson(response, 404, {}));
    for (const number of [11, 12, 13, 14, 15, 16, 17, 18, 19]) {
      const name = `${number} 番目の決済サービスの${'とても'.repeat(10)}長い名前`;
      await terms.register(platform.api, operator, { providerId: `sim-pay-more-${number}`, name });
    }
    await atProviders();
    await text('page 1 of 3');
    await picture('kiosk-16-many-providers');
    // By the keys that everybody finds as well: onwards, and Enter.
    for (let times = 0; times < 4; times += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await text('3 ページのうち 2 ページ目');
    await page.keyboard.press('2');
    await title('アカウントの番号');
    await text(/14 番目の決済サービスの(とても){10}長い名前/);
    await page.keyboard.press('Escape');
    await text('page 2 of 3');
    await page.keyboard.press('0');
    await text('page 3 of 3');
    expect(await page.locator('main button').count()).toBe(5);
    await page.keyboard.press('0');
    await text('page 1 of 3');
    await page.keyboard.press('Escape');
    await title('何をしますか');
    await terms.close();
  }, 60_000);
});
