import { type LinkOutcome, linkPatterns } from '@tsunagu/contracts';
import fc from 'fast-check';
import { type CorrectedLink, type Correction, decideCorrection, decideReplacement } from './correction.js';
import { decideEstablish } from './establish.js';
import { accountStreamsOf, choiceStreamOf, GuardChanges, release } from './guards.js';
import { decideDispute, decideOwnEnd, fold, type Link, type LinkEvent, subjectOf } from './link.js';
import type * as choice from './provider-choice.js';
import type * as account from './service-account.js';

/** All streams of a small world, written to as the service does: whole decisions or nothing. */
class World {
  readonly links = new Map<string, LinkEvent[]>();
  readonly accounts = new Map<string, account.ServiceAccount>();
  readonly choices = new Map<string, choice.ProviderChoice>();

  link(linkId: string): Link {
    const link = fold(this.links.get(linkId) ?? []);
    if (!link) throw new Error(`no link ${linkId}`);
    return link;
  }

  guards(): GuardChanges {
    return new GuardChanges(this.accounts, this.choices);
  }

  record(guards: GuardChanges, links: readonly { linkId: string; events: readonly LinkEvent[] }[]): void {
    for (const stream of guards.added.keys()) {
      if (stream.startsWith('serviceAccount-')) this.accounts.set(stream, guards.account(stream));
      else this.choices.set(stream, guards.choice(stream));
    }
    for (const { linkId, events } of links) this.links.set(linkId, [...(this.links.get(linkId) ?? []), ...events]);
  }

  /** True when the link stands. */
  establish(linkId: string, personId: string, accountId: string, programmeId = 'default'): boolean {
    const request = {
      linkId,
      personId,
      providerId: 'sim-pay',
      programmeId,
      providersPerPerson: 'one' as const,
      linkConfirmation: 'none' as const,
      accountKey: `id-${accountId}`,
      expiresAt: '2026-11-21T00:00:00.000Z',
    };
    const confirmed: LinkEvent[] = [
      { type: 'LinkRequested', data: request },
      { type: 'ProviderConfirmed', data: { linkId, referenceKey: `ref-${accountId}`, awaitsPerson: false } },
    ];
    const link = fold(confirmed);
    if (!link) throw new Error('no link');
    const guards = this.guards();
    const streams = accountStreamsOf(link);
    const held = { accounts: streams.map((name) => guards.account(name)), choice: guards.choice(choiceStreamOf(link)) };
    const decided = decideEstablish(held, request);
    if (!decided.ok) return false;
    streams.forEach((name, index) => {
      guards.changeAccount(name, decided.value.accounts[index] ?? []);
    });
    guards.changeChoice(choiceStreamOf(link), decided.value.choice);
    this.record(guards, [{ linkId, events: [...confirmed, { type: 'LinkEstablished', data: subjectOf(link) }] }]);
    return true;
  }

  dispute(linkId: string): void {
    const decided = decideDispute(this.link(linkId), 'not_mine', 'holder');
    if (decided.ok) this.record(this.guards(), [{ linkId, events: decided.value }]);
  }

  correct(correction: Omit<Correction, 'kind' | 'evidence'>, successor = (linkId: string) => `${linkId}'`) {
    const found = correction.links.map(({ linkId }) => ({
      link: this.link(linkId),
      successorLinkId: successor(linkId),
    }));
    const guards = this.guards();
    const whole = { ...correction, kind: 'correction' as const, evidence: 'file/1' };
    const decided = decideCorrection(whole, found, guards, { changeId: 'c1' });
    if (decided.ok) this.record(guards, [...decided.value.links, ...decided.value.successors]);
    return decided.ok ? 'done' : decided.refusal.code;
  }

  end(linkId: string): void {
    const guards = this.guards();
    const link = this.link(linkId);
    const decided = decideOwnEnd(link, true);
    if (!decided.ok || decided.value.length === 0) return;
    release(guards, link, true);
    this.record(guards, [{ linkId, events: decided.value }]);
  }

  replace(linkId: string, accountId: string) {
    const guards = this.guards();
    const keys = { accountKey: `id-${accountId}`, referenceKey: `ref-${accountId}` };
    const decided = decideReplacement(this.link(linkId), keys, guards);
    if (decided.ok) this.record(guards, [{ linkId, events: decided.value }]);
    return decided.ok ? 'done' : decided.refusal.code;
  }

  /** What must hold at every moment. */
  check(): void {
    const standing = [...this.links.keys()]
      .map((linkId) => this.link(linkId))
      .filter(({ status }) => status === 'established' || status === 'disputed');
    const personOf = new Map<string, string>();
    const choices = new Set<string>();
    for (const link of standing) {
      const { personId, linkId } = link.request;
      for (const stream of accountStreamsOf(link)) {
        expect(personOf.get(stream) ?? personId).toBe(personId);
        personOf.set(stream, personId);
        expect(this.accounts.get(stream)?.personId).toBe(personId);
        expect(this.accounts.get(stream)?.links.map((each) => each.linkId)).toContain(linkId);
      }
      expect(choices.has(choiceStreamOf(link))).toBe(false);
      choices.add(choiceStreamOf(link));
      expect(this.choices.get(choiceStreamOf(link))?.chosen.map((each) => each.linkId)).toEqual([linkId]);
    }
    const bound = [...this.accounts.values()].flatMap(({ links }) => links.map(({ linkId }) => linkId));
    expect(new Set(bound)).toEqual(new Set(standing.map(({ request }) => request.linkId)));
  }
}

const ids = (...linkIds: string[]): CorrectedLink[] => linkIds.map((linkId) => ({ linkId, toPersonId: null }));
const swap = { pattern: 'swapped_pair' as const, outcome: 'moved' as const };

describe('a correction of links', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    world.establish('l1', 'p1', 'a');
    world.establish('l2', 'p2', 'b');
    world.dispute('l1');
  });
  afterEach(() => world.check());

  it('given a swapped pair, gives both persons their own accounts by new links, in one decision', () => {
    expect(world.correct({ ...swap, links: ids('l1', 'l2') })).toBe('service_link.not_disputed');
    world.dispute('l2');
    expect(world.correct({ ...swap, links: ids('l1', 'l2') })).toBe('done');
    expect(world.link('l1')).toMatchObject({ status: 'ended', reasonCode: 'swapped_pair' });
    expect(world.link("l1'")).toMatchObject({ status: 'established', request: { personId: 'p2', accountKey: 'id-a' } });
    expect(world.link("l2'")).toMatchObject({ status: 'established', request: { personId: 'p1', accountKey: 'id-b' } });
    expect(world.correct({ ...swap, links: ids('l1', 'l2') })).toBe('service_link.wrong_state');
  });

  it('given one link alone, moves it to the right person, who must be free for it', () => {
    const moved = { pattern: 'wrong_person' as const, outcome: 'moved' as const };
    expect(world.correct({ ...moved, links: [{ linkId: 'l1', toPersonId: 'p2' }] })).toBe(
      'service_link.provider_already_chosen',
    );
    expect(world.correct({ ...moved, links: ids('l1') })).toBe('service_link.correction_mismatch');
    expect(world.correct({ ...moved, links: [{ linkId: 'l1', toPersonId: 'p1' }] })).toBe(
      'service_link.correction_mismatch',
    );
    expect(world.correct({ ...moved, links: [{ linkId: 'l1', toPersonId: 'p3' }] })).toBe('done');
    expect(world.link("l1'").request.personId).toBe('p3');
    expect(world.establish('l3', 'p1', 'c')).toBe(true);
  });

  it('moves an account with all of its links or not at all', () => {
    world.establish('l3', 'p1', 'a', 'other');
    const moved = { pattern: 'wrong_person' as const, outcome: 'moved' as const };
    const to = (linkId: string) => ({ linkId, toPersonId: 'p3' });
    expect(world.correct({ ...moved, links: [to('l1')] })).toBe('service_link.account_taken');
    world.dispute('l3');
    expect(world.correct({ ...moved, links: [to('l1'), to('l3')] })).toBe('done');
  });

  it('ends: the choice is free, the account only where the pattern says so', () => {
    expect(world.correct({ pattern: 'deceased', outcome: 'ended', links: ids('l2') })).toBe('done');
    expect(world.establish('l3', 'p3', 'b')).toBe(false);
    expect(world.correct({ pattern: 'typing_mistake', outcome: 'ended', links: ids('l1') })).toBe('done');
    expect(world.establish('l4', 'p3', 'a')).toBe(true);
    expect(world.establish('l5', 'p1', 'd')).toBe(true);
  });

  it('frees the account of a link that has ended before, where it was never its person’s', () => {
    world.end('l2');
    expect(world.establish('l3', 'p3', 'b')).toBe(false);
    expect(world.correct({ pattern: 'deceased', outcome: 'ended', links: ids('l2') })).toBe('service_link.wrong_state');
    expect(world.correct({ pattern: 'typing_mistake', outcome: 'ended', links: ids('l2') })).toBe('done');
    expect(world.establish('l4', 'p3', 'b')).toBe(true);
    expect(world.correct({ pattern: 'typing_mistake', outcome: 'ended', links: ids('l2') })).toBe('done');
    expect(world.establish('l5', 'p4', 'b')).toBe(false);
  });

  it('upholds: the link is established as before', () => {
    expect(world.correct({ pattern: 'unfounded', outcome: 'upheld', links: ids('l1') })).toBe('done');
    expect(world.link('l1').status).toBe('established');
    expect(world.correct({ pattern: 'unfounded', outcome: 'upheld', links: ids('l1') })).toBe(
      'service_link.not_disputed',
    );
  });

  it('allows what the pattern allows', () => {
    world.dispute('l2');
    for (const [name, { outcomes }] of Object.entries(linkPatterns.correction)) {
      for (const outcome of ['upheld', 'ended', 'moved'] as const) {
        const pattern = name as keyof typeof linkPatterns.correction;
        if (!(outcomes as readonly LinkOutcome[]).includes(outcome))
          expect(world.correct({ pattern, outcome, links: ids('l1') })).toBe('service_link.correction_mismatch');
      }
    }
    expect(world.correct({ ...swap, links: ids('l1') })).toBe('service_link.correction_mismatch');
  });
});

describe('a replaced provider card', () => {
  it('is the same account under a new id: the link stays, the ids before stay taken, and all of them move together', () => {
    const world = new World();
    world.establish('l1', 'p1', 'a');
    world.establish('l2', 'p2', 'b');
    expect(world.replace('l1', 'b')).toBe('service_link.account_taken');
    expect(world.replace('l1', 'c')).toBe('done');
    expect(world.replace('l1', 'c')).toBe('done');
    expect(world.link('l1').accounts.map(({ referenceKey }) => referenceKey)).toEqual(['ref-a', 'ref-c']);
    for (const taken of ['a', 'c']) expect(world.establish(`other-${taken}`, 'p3', taken)).toBe(false);
    world.check();
    world.dispute('l1');
    const moved = { pattern: 'wrong_person' as const, outcome: 'moved' as const };
    expect(world.correct({ ...moved, links: [{ linkId: 'l1', toPersonId: 'p3' }] })).toBe('done');
    expect(world.link("l1'").accounts.map(({ referenceKey }) => referenceKey)).toEqual(['ref-a', 'ref-c']);
    world.check();
  });
});

describe('one person an account and one provider a person', () => {
  const person = fc.constantFrom('p1', 'p2', 'p3', 'p4');
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const nth = fc.nat(9);
  const step = fc.oneof(
    fc.record({ act: fc.constant('establish' as const), person, name }),
    fc.record({ act: fc.constantFrom('dispute' as const, 'end' as const), nth }),
    fc.record({ act: fc.constant('replace' as const), nth, name }),
    fc.record({ act: fc.constant('swap' as const), nth, other: nth }),
    fc.record({ act: fc.constant('move' as const), nth, person }),
    fc.record({
      act: fc.constant('correct' as const),
      nth,
      pattern: fc.constantFrom('unfounded', 'typing_mistake', 'deceased'),
    }),
  );

  it('hold after every step, whatever is linked, disputed, replaced, swapped, moved and ended in whatever order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        let count = 0;
        const at = (index: number) => [...world.links.keys()][index % Math.max(world.links.size, 1)] ?? '';
        const successor = () => `s${count++}`;
        for (const each of steps) {
          if (each.act === 'establish') world.establish(`l${count++}`, each.person, each.name);
          else if (world.links.size === 0) continue;
          else if (each.act === 'dispute') world.dispute(at(each.nth));
          else if (each.act === 'end') world.end(at(each.nth));
          else if (each.act === 'replace') world.replace(at(each.nth), each.name);
          else if (each.act === 'swap' && at(each.nth) !== at(each.other)) {
            world.dispute(at(each.nth));
            world.dispute(at(each.other));
            world.correct({ ...swap, links: ids(at(each.nth), at(each.other)) }, successor);
          } else if (each.act === 'move') {
            const links = [{ linkId: at(each.nth), toPersonId: each.person }];
            world.correct({ pattern: 'wrong_person', outcome: 'moved', links }, successor);
          } else if (each.act === 'correct') {
            const outcome = each.pattern === 'unfounded' ? 'upheld' : 'ended';
            const pattern = each.pattern as 'unfounded' | 'typing_mistake' | 'deceased';
            world.correct({ pattern, outcome, links: ids(at(each.nth)) }, successor);
          }
          world.check();
        }
      }),
      { numRuns: 300 },
    );
  });
});
