import { randomUUID } from 'node:crypto';
import { type Card, IssuerStore, renewCard } from '@tsunagu/testing';
import { DataDirectory } from '../src/data-directory.js';
import { claim, claimEnd, type Launched, launchCampaign } from './launch.js';
import { People } from './people.js';
import { PlatformProcess } from './platform-process.js';

const AMOUNT_POINTS = 1_000;

/** The 506 people of the incident (DOMAIN §2): a card whose link is missing though the source answers. */
describe('a second card that nothing ties to the first', () => {
  let platform: PlatformProcess;
  let people: People;
  let desks: readonly [string, string];
  let launched: Launched;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    desks = [
      await people.staff('support', { subject: 'desk-1' }),
      await people.staff('support', { subject: 'desk-2' }),
    ];
    const money = { fundPoints: 100 * AMOUNT_POINTS, amountPoints: AMOUNT_POINTS };
    launched = await launchCampaign(platform.api, await platform.token('operator'), money);
  }, 90_000);
  afterAll(() => platform.remove());

  async function unlinked(old: Card): Promise<Card> {
    const store = await IssuerStore.open(new DataDirectory(platform.dataDirectory).issuer);
    return renewCard(store, old, { nowMs: await people.nowMs(), withoutLink: true });
  }

  async function session(card: Card): Promise<{ personId: string; token: string }> {
    const { status, body } = await people.signIn(card, { attributesOf: card });
    expect(status).toBe(201);
    return { personId: body.person.personId, token: body.accessToken };
  }

  async function claimed(token: string) {
    const { status, body } = await claim(platform.api, launched, token);
    expect(status).toBe(202);
    return body;
  }

  /** The one open review, decided by two. */
  async function decide(outcome: 'same_person' | 'different_persons'): Promise<void> {
    const { api } = platform;
    const [token, second] = desks;
    const path = '/identity/v1/reviews';
    const open = await api.expect<{ reviews: { reviewId: string }[] }>(200, 'GET', `${path}?state=open`, { token });
    expect(open.reviews).toHaveLength(1);
    const review = `${path}/${open.reviews[0]?.reviewId}`;
    const proposed = await api.expect<{ decision: { decisionId: string } }>(201, 'POST', `${review}/decisions`, {
      token,
      idempotencyKey: randomUUID(),
      body: { outcome },
    });
    const { decisionId } = proposed.decision;
    await api.expect(200, 'POST', `${review}/approve`, { token: second, body: { decisionId } });
  }

  async function pointsOf(token: string): Promise<number> {
    const path = '/point-ledger/v1/accounts/me';
    return (await platform.api.expect<{ availablePoints: number }>(200, 'GET', path, { token })).availablePoints;
  }

  it('has its receipt at once and no points, until staff say that it is another person', async () => {
    await session(await people.card());
    const old = await people.card();
    await session(old);
    const newcomer = await session(await unlinked(old));
    const waiting = await claimed(newcomer.token);
    expect(waiting).toMatchObject({ state: 'accepted', reasonCode: 'identity_review' });
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
    expect(await pointsOf(newcomer.token)).toBe(0);
    await decide('different_persons');
    const end = await claimEnd(platform.api, newcomer.token, waiting.claimId);
    expect([end.state, end.receipt]).toEqual(['granted', waiting.receipt]);
    expect(await pointsOf(newcomer.token)).toBe(AMOUNT_POINTS);
  }, 60_000);

  it('is granted nothing a second time when it is the same person, and both cards are one account from then on', async () => {
    const old = await people.card();
    const first = await session(old);
    const granted = await claimed(first.token);
    expect((await claimEnd(platform.api, first.token, granted.claimId)).state).toBe('granted');
    const card = await unlinked(old);
    const newcomer = await session(card);
    const waiting = await claimed(newcomer.token);
    await decide('same_person');
    const again = await session(card);
    expect(again.personId).toBe(first.personId);
    const end = await claimEnd(platform.api, again.token, waiting.claimId);
    expect(end).toMatchObject({ state: 'cancelled', reasonCode: 'persons_merged' });
    const claims = await claim(platform.api, launched, again.token);
    expect([claims.status, claims.body.claimId]).toEqual([200, granted.claimId]);
    expect(await pointsOf(again.token)).toBe(AMOUNT_POINTS);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 60_000);
});
