import fc from 'fast-check';
import { decideEstablish } from './establish.js';
import {
  type ConfirmationAnswer,
  decideAnswer,
  decideConfirmation,
  decideEnd,
  decideExpiry,
  decideReturn,
  fold,
  hasEnded,
  type Link,
  type LinkEvent,
  type LinkRequest,
  shownState,
} from './link.js';
import * as choice from './provider-choice.js';
import * as account from './service-account.js';

const requested = (change: Partial<LinkRequest> = {}): LinkEvent => ({
  type: 'LinkRequested',
  data: {
    linkId: 'l1',
    personId: 'p1',
    providerId: 'sim-pay',
    programmeId: 'default',
    providersPerPerson: 'one',
    linkConfirmation: 'none',
    accountKey: 'k1',
    expiresAt: '2026-11-21T00:00:00.000Z',
    ...change,
  },
});
const before = '2026-11-20T12:00:00.000Z';
const after = '2026-11-21T00:00:00.000Z';
const free = { accounts: [account.initialState, account.initialState], choice: choice.initialState };
const folded = (events: readonly LinkEvent[]): Link => {
  const link = fold(events);
  if (!link) throw new Error('no link');
  return link;
};

describe('a link', () => {
  it('given a request, when the provider says yes and nobody holds the account, then it is established', () => {
    const asked = folded([requested()]);
    const yes = decideAnswer(asked, { kind: 'confirmed', referenceKey: 'r1' }, before);
    const confirmed = folded([requested(), ...yes]);
    expect(shownState(confirmed)).toBe('requested');
    const end = decideEnd(confirmed, decideEstablish(free, confirmed.request));
    expect(end).toEqual([
      {
        type: 'LinkEstablished',
        data: { linkId: 'l1', personId: 'p1', providerId: 'sim-pay', programmeId: 'default' },
      },
    ]);
    expect(shownState(folded([requested(), ...yes, ...end]))).toBe('established');
  });

  it('given a programme that asks the person, when the provider says yes, then it waits for the person until it expires', () => {
    const events = [requested({ linkConfirmation: 'person' })];
    const yes = decideAnswer(folded(events), { kind: 'confirmed', referenceKey: 'r1' }, before);
    const waiting = folded([...events, ...yes]);
    expect(shownState(waiting)).toBe('awaiting_confirmation');
    expect(decideConfirmation(waiting, before)).toEqual({ ok: true, value: 'establish' });
    expect(decideConfirmation(waiting, after)).toMatchObject({ refusal: { code: 'service_link.wrong_state' } });
    expect(decideExpiry(waiting, before)).toEqual([]);
    expect(decideExpiry(waiting, after)).toEqual([
      { type: 'LinkRefused', data: { linkId: 'l1', reasonCode: 'confirmation_expired' } },
    ]);
  });

  it('when the provider is silent, stays requested until its time is over', () => {
    const asked = folded([requested()]);
    expect(decideAnswer(asked, { kind: 'none' }, before)).toEqual([]);
    expect(decideAnswer(asked, { kind: 'none' }, after)).toEqual([
      { type: 'LinkRefused', data: { linkId: 'l1', reasonCode: 'provider_unreachable' } },
    ]);
    expect(decideConfirmation(asked, before)).toMatchObject({
      ok: false,
      refusal: { code: 'service_link.wrong_state' },
    });
  });

  it('given a request over the provider’s page, when nobody came back, then the person looks first, and in the end it expires', () => {
    const { accountKey, ...data } = (requested({ method: 'redirect' }) as { data: LinkRequest }).data;
    const asked: readonly LinkEvent[] = [{ type: 'LinkRequested', data }];
    const yes = decideAnswer(folded(asked), { kind: 'confirmed', referenceKey: 'r1', unattended: true }, before);
    const waiting = folded([...asked, ...yes]);
    expect(shownState(waiting)).toBe('awaiting_confirmation');
    expect(waiting.accounts).toEqual([{ accountKey: 'r1', referenceKey: 'r1' }]);
    expect(decideReturn(waiting, before)).toMatchObject({ ok: true });
    expect(decideReturn(waiting, after)).toMatchObject({ ok: false });
    expect(decideReturn(folded([requested()]), before)).toMatchObject({ ok: false });
    for (const link of [folded(asked), waiting])
      expect(decideExpiry(link, after)).toEqual([
        { type: 'LinkRefused', data: { linkId: 'l1', reasonCode: 'confirmation_expired' } },
      ]);
    const attended = decideAnswer(folded(asked), { kind: 'confirmed', referenceKey: 'r1', unattended: false }, before);
    expect(shownState(folded([...asked, ...attended]))).toBe('requested');
  });

  it('ends once, whatever answers come in whatever order', () => {
    const answers = fc.array(
      fc.oneof<fc.Arbitrary<ConfirmationAnswer | 'end'>[]>(
        fc.constant({ kind: 'confirmed', referenceKey: 'r1' }),
        fc.constant({ kind: 'denied', reasonCode: 'security_code_wrong' }),
        fc.constant({ kind: 'none' }),
        fc.constant('end' as const),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(answers, fc.boolean(), (steps, taken) => {
        const guards = taken
          ? { ...free, accounts: [{ personId: 'p2', links: [{ linkId: 'l9', programmeId: 'default' }] }] }
          : free;
        let events: readonly LinkEvent[] = [requested()];
        for (const step of steps) {
          const link = folded(events);
          const added =
            step === 'end' ? decideEnd(link, decideEstablish(guards, link.request)) : decideAnswer(link, step, before);
          if (hasEnded(link)) expect(added).toEqual([]);
          events = [...events, ...added];
        }
        const ends = events.filter((event) => event.type === 'LinkEstablished' || event.type === 'LinkRefused');
        expect(ends.length).toBeLessThanOrEqual(1);
        if (taken) expect(ends.filter((event) => event.type === 'LinkEstablished')).toEqual([]);
      }),
    );
  });
});

describe('the guards', () => {
  const attempt = fc.record({
    personId: fc.constantFrom('p1', 'p2', 'p3'),
    programmeId: fc.constantFrom('default', 'other'),
    account: fc.constantFrom('a1', 'a2'),
    providersPerPerson: fc.constantFrom('one' as const, 'many' as const),
  });

  it('keep one person per account, and one provider per person where the programme says so, over all orders of attempts', () => {
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 30 }), (attempts) => {
        const accounts = new Map<string, account.ServiceAccountBound[]>();
        const choices = new Map<string, choice.ProviderChosen[]>();
        attempts.forEach(({ personId, programmeId, account: name, providersPerPerson }, index) => {
          const choiceName = `${personId}+${programmeId}`;
          const [bound, chosen] = [accounts.get(name) ?? [], choices.get(choiceName) ?? []];
          const decided = decideEstablish(
            { accounts: [account.fold(bound)], choice: choice.fold(chosen) },
            { linkId: `l${index}`, personId, providerId: 'sim-pay', programmeId, providersPerPerson },
          );
          if (!decided.ok) {
            const other = bound.some((event) => event.data.personId !== personId);
            const own = bound.some((event) => event.data.programmeId === programmeId);
            const hasChosen = providersPerPerson === 'one' && chosen.length > 0;
            expect(other || own || hasChosen).toBe(true);
            if (decided.refusal.code === 'service_link.account_taken') expect(other).toBe(true);
            return;
          }
          expect(bound.every((event) => event.data.personId === personId)).toBe(true);
          if (providersPerPerson === 'one') expect(chosen).toEqual([]);
          accounts.set(name, [...bound, ...(decided.value.accounts[0] ?? [])]);
          choices.set(choiceName, [...chosen, ...decided.value.choice]);
        });
        for (const bound of accounts.values()) {
          expect(new Set(bound.map((event) => event.data.personId)).size).toBe(1);
          const programmes = bound.map((event) => event.data.programmeId);
          expect(new Set(programmes).size).toBe(programmes.length);
        }
      }),
    );
  });

  it('change nothing for a link that holds them already', () => {
    const request = {
      linkId: 'l1',
      personId: 'p1',
      providerId: 'x',
      programmeId: 'd',
      providersPerPerson: 'one' as const,
    };
    const held = { personId: 'p1', links: [{ linkId: 'l1', programmeId: 'd' }] };
    const decided = decideEstablish(
      { accounts: [held], choice: { chosen: [{ linkId: 'l1', providerId: 'x' }] } },
      request,
    );
    expect(decided).toEqual({ ok: true, value: { accounts: [[]], choice: [] } });
  });
});
