import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Card, IssuerStore, keyPool, newCard } from '@tsunagu/testing';
import { writeCards } from '../src/cards.js';
import { People, refusal, signed } from './people.js';
import { PlatformProcess } from './platform-process.js';

const YEAR_MS = 366 * 86_400_000;
const MOMENT_MS = 5_000;
const UNKNOWN_ID = '019ab3f0-6c00-7000-8000-000000000001';
const [revokedAt, renewedAt] = ['13103', '13104'] as const;

/** identity's own specs show `test_certificate`, `revocation_unavailable` and `lineage_unavailable`: they need another profile or an issuer that fails. */
describe('what a session is refused for', () => {
  let platform: PlatformProcess;
  let people: People;
  let files: string;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    files = mkdtempSync(join(tmpdir(), 'tsunagu-cards-'));
  }, 90_000);
  afterAll(async () => {
    await platform.remove();
    rmSync(files, { recursive: true, force: true });
  });

  /** Runs `tsunagu card VERB` on one card and gives the file's cards after it. */
  const atIssuer = async (
    verb: 'renew' | 'revoke' | 'hold' | 'reissue' | 'change' | 'phone',
    card: Card,
    ...more: string[]
  ): Promise<Card[]> => {
    const file = join(files, `${verb}.json`);
    writeCards([card], file);
    const out = verb === 'revoke' || verb === 'hold' ? [] : ['--out', file];
    expect(await platform.run('card', verb, '--card', file, '--index', '0', ...out, ...more)).toMatchObject({
      code: 0,
    });
    return JSON.parse(readFileSync(file, 'utf8')) as Card[];
  };
  const present = async (...presented: Parameters<People['signIn']>) => refusal(await people.signIn(...presented));
  const account = async (token: string) =>
    refusal(await platform.api.call('GET', '/point-ledger/v1/accounts/me', { token })).split(' ')[0];

  it('the challenge: unknown, used; and any attempt uses it up', async () => {
    const card = await people.card();
    expect(await present(card, { challengeId: UNKNOWN_ID })).toBe('401 identity.challenge_expired');
    expect(await present(card, { challengeId: 'x' })).toBe('401 identity.challenge_expired');
    const { challengeId, nonce } = await people.challenge();
    const body = { challengeId, certificate: card.certificate, signature: signed(card.privateKey, nonce) };
    const send = async (change: object = {}) =>
      refusal(await platform.api.call('POST', '/identity/v1/sessions', { body: { ...body, ...change } }));
    const wrong = signed(card.privateKey, randomBytes(32).toString('base64url'));
    expect(await send({ signature: wrong })).toBe('401 identity.signature_invalid');
    expect(await send()).toBe('401 identity.challenge_used');
  });

  it('the certificate: not of a trusted issuer, past its time, meant for another use, or of another card', async () => {
    const [card, other] = await people.cards(2);
    if (!card || !other) throw new Error('no cards');
    const strangers = await IssuerStore.open(join(files, 'strangers'));
    const stranger = await newCard(strangers, { nowMs: await people.nowMs(), keys: keyPool(2) });
    expect(await present(stranger)).toBe('401 identity.chain_untrusted');

    const own = await IssuerStore.open(people.directory.issuer);
    const old = await newCard(own, { nowMs: (await people.nowMs()) - 7 * YEAR_MS, keys: keyPool(2) });
    expect(await present(old)).toBe('401 identity.certificate_expired');

    const { signatureCertificate: certificate = '', signaturePrivateKey: privateKey = '' } = card;
    expect(await present({ ...card, certificate, privateKey })).toBe('401 identity.policy_mismatch');
    expect(await present(card, { attributesOf: other })).toBe('401 identity.attributes_of_another');
    expect((await people.signIn(card, { attributesOf: card })).status).toBe(201);
  });

  it('a revoked card; a renewed one is the same person with the same MyKey ID', async () => {
    const revoked = await people.card({ residence: revokedAt });
    await atIssuer('revoke', revoked, '--reason', 'keyCompromise');
    expect(await present(revoked)).toBe('401 identity.certificate_revoked');

    const first = await people.card({ residence: renewedAt });
    const before = await people.signIn(first);
    expect(before.body.person.myKeyId).toMatch(/^[A-Z0-9]{14}$/);
    const [second] = await atIssuer('renew', first);
    if (!second) throw new Error('no renewed card');
    expect(second.certificate).not.toBe(first.certificate);
    expect(await people.signIn(second)).toMatchObject({ status: 201, body: { person: before.body.person } });
    // The list is read anew within half a second.
    const until = Date.now() + MOMENT_MS;
    let answer = await present(first);
    while (answer.startsWith('201') && Date.now() < until) answer = await present(first);
    expect(answer).toBe('401 identity.certificate_revoked');
  });

  it('a card on hold, and a phone before the newest; reissued, renamed, in a phone or without its link it signs in', async () => {
    const lost = await people.card();
    await atIssuer('hold', lost);
    expect(await present(lost)).toBe('401 identity.certificate_revoked');
    const [found] = await atIssuer('reissue', lost);
    if (!found) throw new Error('no reissued card');
    const first = await people.signIn(found);
    const [renamed] = await atIssuer('change', found, '--name', '見本花子');
    if (!renamed) throw new Error('no changed card');
    const second = await people.signIn(renamed, { attributesOf: renamed });
    expect(second).toMatchObject({ status: 201, body: { person: first.body.person } });
    expect(await present(found, { attributesOf: found })).toBe('401 identity.certificate_revoked');

    const [former] = await atIssuer('phone', renamed);
    const [phone] = await atIssuer('phone', renamed);
    if (!former || !phone) throw new Error('no phones');
    expect(await present(former)).toBe('401 identity.certificate_revoked');
    expect((await people.signIn(phone)).status).toBe(201);
    const [unlinked] = await atIssuer('renew', renamed, '--without-link');
    if (!unlinked) throw new Error('no renewed card');
    expect((await people.signIn(unlinked)).status).toBe(201);
    expect(await platform.run('card', 'change', '--card', join(files, 'renew.json'))).toMatchObject({ code: 1 });
  });

  it('a log-out: every service refuses the token within moments, and other sessions go on', async () => {
    const card = await people.card();
    const [ended, other] = [await people.signIn(card), await people.signIn(card)];
    const token = ended.body.accessToken;
    const paths = [
      '/point-ledger/v1/accounts/me',
      '/campaign/v1/claims',
      '/service-link/v1/links',
      '/exchange/v1/exchanges',
    ];
    for (const path of paths) await platform.api.expect(200, 'GET', path, { token });
    await platform.api.expect(204, 'DELETE', '/identity/v1/sessions/current', { token });
    expect(refusal(await platform.api.call('DELETE', '/identity/v1/sessions/current', { token }))).toBe(
      '401 auth.token_invalid',
    );
    const until = Date.now() + MOMENT_MS;
    for (const path of paths) {
      let answer = '';
      do answer = refusal(await platform.api.call('GET', path, { token }));
      while (answer !== '401 auth.token_invalid' && Date.now() < until);
      expect([path, answer]).toEqual([path, '401 auth.token_invalid']);
    }
    expect(await account(other.body.accessToken)).toBe('200');
  });

  it('time: a challenge after two minutes, a session after thirty', async () => {
    const card = await people.card();
    const { challengeId, nonce } = await people.challenge();
    const session = await people.signIn(card);
    expect(await platform.run('clock', '--forward', '121s')).toMatchObject({ code: 0 });
    const body = { challengeId, certificate: card.certificate, signature: signed(card.privateKey, nonce) };
    expect(refusal(await platform.api.call('POST', '/identity/v1/sessions', { body }))).toBe(
      '401 identity.challenge_expired',
    );
    expect(await account(session.body.accessToken)).toBe('200');
    expect(await platform.run('clock', '--forward', '28m')).toMatchObject({ code: 0 });
    expect(await account(session.body.accessToken)).toBe('401');
  }, 60_000);
});
