import { type Card, IssuerStore, renewCard, simulatedReference } from '@tsunagu/testing';
import type { SimulatedLogin } from '@tsunagu/testing/login';
import { claim, establishedLink, grant, untilState } from './launch.js';
import { type Presentation, refusal, type Session } from './people.js';
import { chosenProgramme, fresh, type PrivateRun } from './personal-data-run.js';

/** The second one's webhook is never taken. */
export const memberServices = ['library', 'sports-hall'] as const;

/** A login on either side: begun, approved as the account, completed; whatever came back is secret from then on. */
async function login<T>(
  run: PrivateRun,
  at: SimulatedLogin,
  { path, accountId, begin = {}, complete = {}, token }: LoginWay,
) {
  const { api } = run.platform;
  const begun = await api.expect<{ loginId: string; authorizationUrl: string }>(201, 'POST', `/identity/v1/${path}`, {
    body: begin,
    ...(token !== undefined && { token }),
  });
  const returned = await at.authorize(begun.authorizationUrl, accountId);
  run.keep(`code of a ${path}`, returned.code ?? '');
  return api.call<T>('POST', `/identity/v1/${path}/${begun.loginId}/complete`, {
    body: { ...returned, ...complete },
    ...(token !== undefined && { token }),
  });
}

interface LoginWay {
  readonly path: 'national-login' | 'staff-logins';
  readonly accountId: string;
  readonly begin?: object;
  readonly complete?: object;
  readonly token?: string;
}

/** By the national login, with a consent that is withdrawn and given again, and refused wherever a login can be. */
export async function byNationalLogin(run: PrivateRun): Promise<void> {
  const { nationalLogin: at } = run;
  const { api } = run.platform;
  const path = 'national-login';
  const who = 'somebody of the national login';
  const accountId = run.account(who, at, { ...run.newHolder(who), gender: 'female' });
  const signIn = async (complete: object = {}) => {
    const { status, body } = await login<Session>(run, at, { path, accountId, complete });
    if (status !== 201) throw new Error(refusal({ status, body }));
    return run.keepToken(who, body.accessToken);
  };
  const token = await signIn();
  await grant(api, run.launched, token);
  await api.expect(200, 'POST', '/identity/v1/consents/attributes/withdraw', { token });
  // Told after the withdrawal: not read. Told with a new consent: read.
  at.accounts.set(accountId, { ...run.newHolder(`${who}, after the withdrawal`), gender: 'female' });
  await signIn();
  at.accounts.set(accountId, { ...run.newHolder(`${who}, consenting again`), gender: 'female' });
  const again = await signIn({ consent: true });
  const { consents } = await api.expect<{ consents: { state: string }[] }>(200, 'GET', '/identity/v1/consents', {
    token: again,
  });
  expect(consents.map(({ state }) => state)).toEqual(['given', 'withdrawn']);

  const card = await run.newCard('somebody of another birth date');
  const ofCard = (await run.people.signIn(card, { attributesOf: card })).body.accessToken;
  const other = { path, begin: { join: true }, accountId, token: run.keepToken('a joining person', ofCard) } as const;
  expect(refusal(await login(run, at, other))).toBe('409 identity.under_review');
  for (const complete of [{ code: run.keep('a wrong code', `code-${fresh(12)}`) }, { iss: 'https://login.invalid' }])
    expect(refusal(await login(run, at, { path, accountId, complete }))).toBe('401 identity.login_invalid');
  at.mode.idToken = 'audience';
  expect(refusal(await login(run, at, { path, accountId }))).toBe('401 identity.login_invalid');
  at.mode = { outage: 'me', idToken: 'good' };
  expect(refusal(await login(run, at, { path, accountId }))).toBe('503 identity.login_unavailable');
  at.mode.outage = 'none';
}

/** By a national login in which the card signs: as a new person, as a known one, and refused. */
export async function bySigningLogin(run: PrivateRun): Promise<void> {
  const { nationalLogin: at, people } = run;
  const signIn = async (accountId: string) => {
    const way = { path: 'national-login', accountId, begin: { sign: true } } as const;
    const answer = await login<Session>(run, at, way);
    if (answer.status === 201) run.keepToken('somebody whose card signs', answer.body.accessToken);
    return answer;
  };
  const own = async (who: string) => {
    const card = await run.newCard(who);
    // No birth date: another than the card's would be another person's.
    const { name, address } = run.newHolder(`${who} at the login`);
    const accountId = run.account(who, at, { name, address }, card);
    return { card, accountId };
  };
  const fresh = await own('somebody whose card signs first');
  const { status, body } = await signIn(fresh.accountId);
  if (status !== 201) throw new Error(refusal({ status, body }));
  await grant(run.platform.api, run.launched, body.accessToken);
  const tapped = await people.signIn(fresh.card, { attributesOf: fresh.card });
  expect(tapped.body.person.personId).toBe(body.person.personId);
  run.keepToken('somebody whose card signed', tapped.body.accessToken);
  run.keep('MyKey ID of somebody whose card signed', tapped.body.person.myKeyId ?? '');

  const known = await own('somebody whose card signs later');
  const before = await people.signIn(known.card);
  run.keepToken('somebody whose card will sign', before.body.accessToken);
  run.keep('MyKey ID of somebody whose card will sign', before.body.person.myKeyId ?? '');
  expect((await signIn(known.accountId)).body.person.personId).toBe(before.body.person.personId);
  at.signing.mode = 'other_bytes';
  expect(refusal(await signIn(known.accountId))).toBe('401 identity.signature_invalid');
  at.signing.mode = 'nothing';
  expect(refusal(await signIn(known.accountId))).toBe('401 identity.login_invalid');
  at.signing.mode = 'good';
}

/** Staff whose login tells more of them than anybody asked for; gives the tokens of two of them for the support desk. */
export async function byStaffLogin(run: PrivateRun): Promise<readonly [string, string]> {
  const { staffLogin: at } = run;
  const { api } = run.platform;
  const path = 'staff-logins';
  const member = (who: string, groups: readonly string[]) => {
    const email = run.keep(`mail address of ${who}`, `desk.${fresh(8)}@city.example`);
    return run.account(who, at, { name: run.newHolder(who).name, email, groups });
  };
  const signIn = async (accountId: string, role: string) => {
    const { status, body } = await login<{ accessToken: string }>(run, at, { path, accountId, begin: { role } });
    if (status !== 201) throw new Error(refusal({ status, body: body as object }));
    return run.keepToken('staff', body.accessToken);
  };
  const [first, second] = [
    member('an operator', ['points-operators', 'points-desk']),
    member('a clerk', ['points-desk']),
  ];
  const operator = await signIn(first, 'operator');
  await api.expect(201, 'POST', '/campaign/v1/programmes', {
    token: operator,
    body: { programmeId: 'by-login', name: 'By login', providersPerPerson: 'one', linkConfirmation: 'none' },
  });
  const order = { path, accountId: second, begin: { role: 'operator' } } as const;
  expect(refusal(await login(run, at, order))).toBe('403 identity.staff_not_admitted');
  at.mode.outage = 'token';
  expect(refusal(await login(run, at, order))).toBe('503 identity.staff_login_unavailable');
  at.mode = { outage: 'none', idToken: 'audience' };
  expect(refusal(await login(run, at, order))).toBe('401 identity.login_invalid');
  at.mode.idToken = 'good';
  await api.expect(200, 'GET', '/identity/v1/staff-sessions', { token: operator });
  await api.expect(204, 'DELETE', '/identity/v1/staff-sessions/current', { token: operator });
  return [await signIn(first, 'support'), await signIn(second, 'support')];
}

/** An account that is named on the provider's own page alone; support looks for it afterwards. */
export async function byProviderPage(run: PrivateRun, support: string): Promise<void> {
  const { api } = run.platform;
  const token = await run.people.citizen();
  await grant(api, run.launched, token);
  const links = '/service-link/v1/links';
  const begin = async () => {
    const begun = await api.expect<{ linkId: string; authorizationUrl: string }>(202, 'POST', links, {
      token,
      body: { providerId: 'sim-pay', method: 'redirect' },
    });
    run.keep('state of a visit', new URL(begun.authorizationUrl).searchParams.get('state') ?? '');
    return begun;
  };
  const visit = async (url: string, form: Record<string, string>) => {
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
    const back = Object.fromEntries(new URL(answer.headers.get('location') ?? '').searchParams);
    if (back.code !== undefined) run.keep('code of a provider’s page', back.code);
    return back;
  };
  const { providerAccountId: account } = run.newPayAccount('somebody on a provider’s page');
  const comeBack = (linkId: string, body: object) => api.call('POST', `${links}/${linkId}/return`, { token, body });

  const denied = await begin();
  const no = await visit(denied.authorizationUrl, { answer: 'deny' });
  await comeBack(denied.linkId, { state: no.state });
  const strange = await begin();
  await visit(strange.authorizationUrl, { account });
  const state = new URL(strange.authorizationUrl).searchParams.get('state');
  await comeBack(strange.linkId, { state, code: run.keep('a code of nobody', `code-${fresh(12)}`) });
  expect(await untilState(api, `${links}/${strange.linkId}`, token, ['refused'])).toMatchObject({
    reasonCode: 'code_not_accepted',
  });

  const { linkId, authorizationUrl } = await begin();
  await comeBack(linkId, await visit(authorizationUrl, { account }));
  expect((await untilState(api, `${links}/${linkId}`, token, ['established'])).state).toBe('established');
  const { exchangeId } = await api.expect<{ exchangeId: string }>(202, 'POST', '/exchange/v1/exchanges', {
    token,
    body: { linkId, points: 1_000 },
  });
  expect((await untilState(api, `/exchange/v1/exchanges/${exchangeId}`, token, ['confirmed'])).state).toBe('confirmed');
  const [provider] = await run.platform.tokens('--role', 'partner', '--provider', 'sim-pay');
  const { pairwiseId } = await api.expect<{ pairwiseId: string }>(200, 'POST', '/service-link/v1/pairwise-lookups', {
    token: run.keepToken('a provider', provider ?? ''),
    body: { providerAccountRef: simulatedReference(account) },
  });
  run.keep('pairwise id', pairwiseId);
  for (const providerAccountId of [account, simulatedReference(account)])
    await api.expect(200, 'POST', '/service-link/v1/account-lookups', {
      token: support,
      body: { providerId: 'sim-pay', providerAccountId },
    });
}

/** At a counter and a kiosk: a MyKey ID reserved at home and confirmed, one reserved there, a library card, an account. */
export async function atTerminals(run: PrivateRun): Promise<void> {
  const { people, receiver } = run;
  const { api } = run.platform;
  const operator = await people.staff('operator');
  for (const service of memberServices) {
    const path = `/identity/v1/member-services/${service}`;
    await api.expect(200, 'PUT', path, { token: operator, body: { name: '図書館' } });
    await api.expect(200, 'PUT', `${path}/feed`, { token: operator, body: { legalBasis: '条例 第1条' } });
    const url = `${receiver.baseUrl}/${service}`;
    await api.expect(200, 'PUT', `${path}/webhook`, { token: operator, body: { url } });
  }

  const programmeId = chosenProgramme;
  const card = await run.newCard('a person at the counter');
  const home = run.keepToken('a person at home', (await people.signIn(card)).body.accessToken);
  const atHome = run.keep('MyKey ID reserved at home', fresh(9));
  const ids = '/identity/v1/my-key-ids';
  await api.expect(200, 'POST', `${ids}/provisional`, { token: home, body: { programmeId, myKeyId: atHome } });
  const counter = await people.tap(card, 'counter-1');
  run.keepToken('a person at the counter', counter.accessToken);
  const { terminalSessionId, terminalToken } = counter;
  const confirming = { programmeId, terminalSessionId };
  await api.expect(200, 'POST', `${ids}/confirm`, {
    token: terminalToken,
    body: { ...confirming, proof: await people.proof(card, 'confirm_my_key_id', confirming) },
  });

  for (const service of memberServices) {
    const serviceId = run.keep(`id of a card of ${service}`, `L-${fresh(8)}`);
    const membership = { service, serviceId, terminalSessionId };
    await api.expect(201, 'POST', '/identity/v1/memberships', {
      token: terminalToken,
      body: { ...membership, proof: await people.proof(card, 'register_membership', membership) },
    });
    const { challengeId } = await people.proof(card, 'lookup_membership', { service });
    const held = { service, challengeId, certificate: card.certificate };
    const lookUp = { token: terminalToken, body: held };
    expect(await api.expect(200, 'POST', '/identity/v1/memberships/lookup', lookUp)).toMatchObject({ serviceId });
    const proof = await people.proof(card, 'end_membership', { service });
    await api.expect(204, 'POST', '/identity/v1/memberships/end', { token: home, body: { service, proof } });
  }
  // One has taken its id; the other never does, so that what a failing delivery leaves behind is looked at as well.
  const told = async () => {
    const states = memberServices.map(async (service) => {
      const path = `/identity/v1/member-services/${service}`;
      const { webhook } = await api.expect<{ webhook: { state: string } }>(200, 'GET', path, { token: operator });
      return webhook.state;
    });
    return (await Promise.all(states)).join() === 'current,retrying';
  };
  const untilMs = Date.now() + 20_000;
  while (!(await told())) if (Date.now() > untilMs) throw new Error('the webhooks were not delivered');

  const other = await run.newCard('a person at the kiosk');
  const kiosk = await people.tap(other, 'kiosk-1');
  const token = run.keepToken('a person at the kiosk', kiosk.accessToken);
  const there = { programmeId, myKeyId: run.keep('MyKey ID reserved at the kiosk', fresh(9)) };
  const taken = { programmeId, myKeyId: atHome };
  const reserve = async (order: object) => ({
    ...order,
    proof: await people.proof(other, 'reserve_my_key_id', order),
  });
  expect(refusal(await api.call('POST', `${ids}/provisional`, { token, body: await reserve(taken) }))).toBe(
    '409 identity.my_key_id_taken',
  );
  await api.expect(200, 'POST', `${ids}/provisional`, { token, body: await reserve(there) });

  const { securityCode, ...asked } = run.newPayAccount('a person at the kiosk');
  const order = { ...asked, programmeId: 'default' };
  const link = await api.expect<{ linkId: string }>(202, 'POST', '/service-link/v1/links', {
    token,
    body: { ...order, securityCode, proof: await people.proof(other, 'service_link.request', order) },
  });
  await untilState(api, `/service-link/v1/links/${link.linkId}`, token, ['awaiting_confirmation']);
  const confirm = { proof: await people.proof(other, 'service_link.confirm', { linkId: link.linkId }) };
  await api.expect(200, 'POST', `/service-link/v1/links/${link.linkId}/confirm`, { token, body: confirm });
}

/** A person whom staff looked at is erased, and comes again with a card that nothing ties to the old one. */
export async function erased(run: PrivateRun, [first, second]: readonly [string, string]): Promise<void> {
  const { people } = run;
  const { api } = run.platform;
  const signIn = (card: Card, presented: Presentation = {}) => people.signIn(card, presented);
  const card = await run.newCard('an erased person');
  const { accessToken: token, person } = (await signIn(card, { attributesOf: card })).body;
  run.keepToken('an erased person', token);
  if (person.myKeyId !== null) run.keep('MyKey ID of an erased person', person.myKeyId);
  await grant(api, run.launched, token);
  await establishedLink(api, token, run.newPayAccount('an erased person'));
  await api.expect(200, 'GET', `/identity/v1/persons/${person.personId}?reason=case-1`, { token: first });
  const erasures = '/identity/v1/erasures';
  const { erasureId } = await api.expect<{ erasureId: string }>(201, 'POST', erasures, {
    token: first,
    body: { personId: person.personId, reasonPattern: 'person_asked', evidence: 'case-1' },
  });
  await api.expect(200, 'POST', `${erasures}/${erasureId}/approve`, { token: second });
  expect(refusal(await signIn(card))).toBe('409 identity.erased');
  const store = await IssuerStore.open(people.directory.issuer);
  const next = await renewCard(store, card, { nowMs: await people.nowMs(), withoutLink: true });
  await run.keepCard('an erased person who came again', next);
  const newcomer = (await signIn(next, { attributesOf: next })).body;
  run.keepToken('an erased person who came again', newcomer.accessToken);
  await claim(api, run.launched, newcomer.accessToken);
  const path = '/identity/v1/reviews';
  const { reviews } = await api.expect<{ reviews: { reviewId: string }[] }>(200, 'GET', path, { token: second });
  expect(reviews.length).toBeGreaterThan(0);
  for (const { reviewId } of reviews)
    await api.expect(200, 'GET', `${path}/${reviewId}?reason=case-2`, { token: second });
}
