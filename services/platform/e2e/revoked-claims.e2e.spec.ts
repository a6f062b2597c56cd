import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Card, IssuerStore, renewCard } from '@tsunagu/testing';
import { writeCards } from '../src/cards.js';
import { claim, claimEnd, type Launched, launchCampaign, untilState } from './launch.js';
import { People, refusal } from './people.js';
import { PlatformProcess } from './platform-process.js';

const AMOUNT_POINTS = 1_000;
const refused = { state: 'refused', reasonCode: 'identity_revoked', curable: true };

describe('claims of persons who are revoked or erased', () => {
  let platform: PlatformProcess;
  let people: People;
  let files: string;
  beforeAll(async () => {
    const environment = { CAMPAIGN_CLAIM_DEADLINE_SECONDS: '1', CAMPAIGN_SWEEP_SECONDS: '1' };
    platform = await PlatformProcess.create({ environment });
    await platform.start();
    people = People.of(platform);
    files = mkdtempSync(join(tmpdir(), 'tsunagu-cards-'));
  }, 90_000);
  afterAll(async () => {
    await platform.remove();
    rmSync(files, { recursive: true, force: true });
  });

  const launch = async (fundPoints: number) =>
    launchCampaign(platform.api, await platform.token('operator'), { fundPoints, amountPoints: AMOUNT_POINTS });
  const raise = async ({ fundId }: Launched) =>
    platform.api.expect(201, 'POST', `/point-ledger/v1/funds/${fundId}/raises`, {
      token: await platform.token('operator'),
      body: { amountPoints: 10 * AMOUNT_POINTS },
    });
  const batch = async ({ campaignId }: Launched) =>
    platform.api.expect(200, 'POST', `/campaign/v1/campaigns/${campaignId}/claim-reopenings`, {
      token: await platform.token('operator'),
    });
  const session = async (card: Card) => {
    const { status, body } = await people.signIn(card, { attributesOf: card });
    expect(status).toBe(201);
    return { token: body.accessToken, personId: body.person.personId };
  };
  const pathOf = (claimId: string) => `/campaign/v1/claims/${claimId}`;
  const soundNow = async (...claimIds: string[]) => {
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
    for (const claimId of claimIds) expect(await platform.run('replay', claimId)).toMatchObject({ code: 0 });
  };

  /** The card by the command line, as an operator of the test issuer does it. */
  async function atIssuer(verb: 'renew' | 'revoke', card: Card, ...more: string[]): Promise<Card> {
    const file = join(files, 'cards.json');
    writeCards([card], file);
    const done = await platform.run('card', verb, '--card', file, '--index', '0', ...more);
    expect(done).toMatchObject({ code: 0 });
    const [after] = JSON.parse(readFileSync(file, 'utf8')) as Card[];
    if (!after) throw new Error('no card');
    return after;
  }

  it('a revoked card: no batch and no claim gets the points until a new one has signed in; same claim, same receipt', async () => {
    const { api } = platform;
    const launched = await launch(AMOUNT_POINTS - 1);
    const card = await people.card();
    const { token } = await session(card);
    const { claimId, receipt } = (await claim(api, launched, token)).body;
    expect(await claimEnd(api, token, claimId)).toMatchObject({ state: 'refused', reasonCode: 'fund_exhausted' });
    await atIssuer('revoke', card, '--reason', 'keyCompromise');
    await raise(launched);

    // The session lives on; the card is asked about without being presented.
    expect((await claim(api, launched, token)).body).toMatchObject({ ...refused, claimId, receipt });
    expect(refusal(await people.signIn(card))).toBe('401 identity.certificate_revoked');
    expect(await batch(launched)).toEqual({ reopened: 0, passedOver: 1, more: false });
    await soundNow(claimId);

    const renewed = await atIssuer('renew', card, '--out', join(files, 'cards.json'));
    const { token: newToken } = await session(renewed);
    const again = await claim(api, launched, newToken);
    expect([again.status, again.body.state, again.body.claimId, again.body.receipt]).toEqual([
      200,
      'accepted',
      claimId,
      receipt,
    ]);
    expect(await claimEnd(api, newToken, claimId)).toMatchObject({ state: 'granted', receipt });
    await soundNow(claimId);
  }, 120_000);

  it('a claim under review is refused when the card is revoked meanwhile, and goes on by the batch once it is cured', async () => {
    const { api } = platform;
    const launched = await launch(100 * AMOUNT_POINTS);
    const first = await people.card();
    await session(first);
    const store = await IssuerStore.open(people.directory.issuer);
    const alike = await renewCard(store, first, { nowMs: await people.nowMs(), withoutLink: true });
    const { token } = await session(alike);
    const { claimId } = (await claim(api, launched, token)).body;
    expect(await api.expect(200, 'GET', pathOf(claimId), { token })).toMatchObject({
      state: 'accepted',
      reasonCode: 'identity_review',
    });
    await atIssuer('revoke', alike, '--reason', 'keyCompromise');
    expect(await untilState(api, pathOf(claimId), token, ['refused'])).toMatchObject(refused);
    const renewed = await atIssuer('renew', alike, '--out', join(files, 'cards.json'));
    const { token: newToken } = await session(renewed);
    // The review is not over.
    expect((await claim(api, launched, newToken)).body).toMatchObject(refused);
    expect(await batch(launched)).toEqual({ reopened: 0, passedOver: 1, more: false });

    const desks = [
      await people.staff('support', { subject: 'desk-1' }),
      await people.staff('support', { subject: 'desk-2' }),
    ];
    const [one = '', two = ''] = desks;
    const { reviews } = await api.expect<{ reviews: { reviewId: string; state: string }[] }>(
      200,
      'GET',
      '/identity/v1/reviews?limit=200',
      { token: one },
    );
    for (const { reviewId } of reviews.filter(({ state }) => state !== 'decided')) {
      const { decision } = await api.expect<{ decision: { decisionId: string } }>(
        201,
        'POST',
        `/identity/v1/reviews/${reviewId}/decisions`,
        { token: one, body: { outcome: 'different_persons' } },
      );
      const approval = { token: two, body: { decisionId: decision.decisionId } };
      await api.expect(200, 'POST', `/identity/v1/reviews/${reviewId}/approve`, approval);
    }
    expect(await batch(launched)).toEqual({ reopened: 1, passedOver: 0, more: false });
    expect((await claimEnd(api, newToken, claimId)).state).toBe('granted');
    await soundNow(claimId);
  }, 120_000);

  it('an erased person has no claim that waits, and a raise changes nothing for it', async () => {
    const { api } = platform;
    const [one, two] = [
      await people.staff('support', { subject: 'desk-1' }),
      await people.staff('support', { subject: 'desk-2' }),
    ];
    const launched = await launch(AMOUNT_POINTS - 1);
    const { token, personId } = await session(await people.card());
    const { claimId } = (await claim(api, launched, token)).body;
    expect((await claimEnd(api, token, claimId)).state).toBe('refused');
    const { erasureId } = await api.expect<{ erasureId: string }>(201, 'POST', '/identity/v1/erasures', {
      token: one,
      body: { personId, reasonPattern: 'person_asked' },
    });
    await api.expect(200, 'POST', `/identity/v1/erasures/${erasureId}/approve`, { token: two });
    const gone = { state: 'cancelled', reasonCode: 'person_erased', curable: false };
    expect(await untilState(api, pathOf(claimId), one, ['cancelled'])).toMatchObject(gone);
    await raise(launched);
    expect(await batch(launched)).toEqual({ reopened: 0, passedOver: 0, more: false });
    await soundNow(claimId);
  }, 120_000);
});
