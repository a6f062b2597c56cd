import { japanDayOf } from '@tsunagu/kernel';
import { type Card, IssuerStore, renewCard } from '@tsunagu/testing';
import { claim, claimEnd, type Launched, launchCampaign } from './launch.js';
import { People, refusal } from './people.js';
import { PlatformProcess } from './platform-process.js';

const AMOUNT_POINTS = 1_000;

/** Erased and come again must not be granted twice (invariant I1), and nothing that was granted is changed. */
describe('the erasure of a person who was granted', () => {
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

  async function session(card: Card): Promise<{ personId: string; token: string }> {
    const { status, body } = await people.signIn(card, { attributesOf: card });
    expect(status).toBe(201);
    return { personId: body.person.personId, token: body.accessToken };
  }

  async function renewed(card: Card, withoutLink: boolean): Promise<Card> {
    const store = await IssuerStore.open(people.directory.issuer);
    return renewCard(store, card, { nowMs: await people.nowMs(), withoutLink });
  }

  async function erase(personId: string): Promise<void> {
    const { api } = platform;
    const path = '/identity/v1/erasures';
    const { erasureId } = await api.expect<{ erasureId: string }>(201, 'POST', path, {
      token: desks[0],
      body: { personId, reasonPattern: 'person_asked' },
    });
    const approve = { token: desks[1] };
    const done = await api.expect<{ state: string }>(200, 'POST', `${path}/${erasureId}/approve`, approve);
    expect(done.state).toBe('done');
  }

  it('leaves the claim, the entries and the proofs as they were, and grants nothing a second time', async () => {
    const { api } = platform;
    const [support = ''] = desks;
    const card = await people.card();
    const { personId, token } = await session(card);
    const accepted = (await claim(api, launched, token)).body;
    expect((await claimEnd(api, token, accepted.claimId)).state).toBe('granted');
    const today = japanDayOf(await people.nowMs());
    const ofAccount = `/point-ledger/v1/accounts/${personId}/statement?from=2026-01-01&to=${today}`;
    const shown = async () => {
      const ofClaim = await api.expect(200, 'GET', `/campaign/v1/claims/${accepted.claimId}`, { token: support });
      const statement = await api.expect<object>(200, 'GET', ofAccount, { token: support });
      // When it was asked.
      return { ofClaim, statement: { ...statement, recordedAt: undefined } };
    };
    const before = await shown();
    expect(before.ofClaim).toMatchObject({ claimId: accepted.claimId, state: 'granted' });
    expect(before.statement).toMatchObject({ closing: { bookedPoints: AMOUNT_POINTS } });

    await erase(personId);
    expect(await shown()).toEqual(before);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });

    expect(refusal(await people.signIn(card))).toBe('409 identity.erased');
    expect(refusal(await people.signIn(await renewed(card, false)))).toBe('409 identity.erased');
    // A card that nothing ties to the old one: the same name, birth date and sex are found by their keyed hash.
    const newcomer = await session(await renewed(card, true));
    expect(newcomer.personId).not.toBe(personId);
    const { body: waiting } = await claim(api, launched, newcomer.token);
    expect(waiting).toMatchObject({ state: 'accepted', reasonCode: 'identity_review' });
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 90_000);
});
