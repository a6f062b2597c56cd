import {
  decideFeed,
  decideRegisterService,
  foldMemberService,
  type MemberServiceEvent,
  ofOwner,
} from './member-service.js';
import {
  decideEnd,
  decideMembership,
  idOfMember,
  type MembershipEvent,
  memberOfId,
  type ServiceIdEvent,
} from './service-membership.js';

const members = { service: 'library', personId: 'me', serviceIdRef: 'card' };
const wish = { ...members, certificateRef: 'c', terminalId: 't' };
const registered: MembershipEvent = { type: 'MembershipRegistered', data: wish };
const ended: MembershipEvent = { type: 'MembershipEnded', data: { ...members, certificateRef: 'c' } };
const reserved: ServiceIdEvent = { type: 'ServiceIdReserved', data: members };
const released: ServiceIdEvent = { type: 'ServiceIdReleased', data: members };

describe('a membership', () => {
  it.each<[string, MembershipEvent[], ServiceIdEvent[], string | undefined]>([
    ['is new', [], [], undefined],
    ['comes after an end', [registered, ended], [reserved, released], undefined],
    ['is there already', [registered], [reserved], 'identity.already_registered'],
    ['of an id that is another’s', [], [reserved], 'identity.service_id_taken'],
  ])('%s', (_name, own, holders, code) => {
    const decided = decideMembership({ own, holders }, wish);
    expect(decided).toEqual(
      code === undefined
        ? { ok: true, value: { member: [registered], serviceId: [reserved] } }
        : { ok: false, refusal: { code } },
    );
  });

  it('ends once, and its id is free again', () => {
    expect(decideEnd([registered], { ...members, certificateRef: 'c' })).toEqual({
      member: [ended],
      serviceId: [released],
    });
    expect(decideEnd([registered, ended], { ...members, certificateRef: 'c' })).toEqual({ member: [], serviceId: [] });
    expect([idOfMember([registered]), idOfMember([registered, ended])]).toEqual(['card', null]);
    expect([memberOfId([reserved]), memberOfId([reserved, released])]).toEqual(['me', null]);
  });
});

describe('a service', () => {
  const data = { service: 'library', ownerId: 'town', name: '図書館' };
  const known: MemberServiceEvent = { type: 'MemberServiceRegistered', data };
  const on = (since: string): MemberServiceEvent => ({
    type: 'MembershipFeedEnabled',
    data: { service: 'library', legalBasis: '条例第5条', since },
  });

  it('is its owner’s alone, and may be renamed', () => {
    const library = foldMemberService([known]);
    expect(decideRegisterService(undefined, data)).toEqual({ ok: true, value: [known] });
    expect(decideRegisterService(library, data)).toEqual({ ok: true, value: [] });
    expect(decideRegisterService(library, { ...data, ownerId: 'other' }).ok).toBe(false);
    expect(ofOwner(library, 'other').ok).toBe(false);
    expect(ofOwner(library, null).ok).toBe(false);
    const renamed = foldMemberService([known, on('t1'), { ...known, data: { ...data, name: '中央図書館' } }]);
    expect(renamed).toMatchObject({ name: '中央図書館', feed: { since: 't1' } });
  });

  it('has a feed that is off until a legal basis is recorded', () => {
    const library = foldMemberService([known]);
    if (!library) throw new Error('not folded');
    expect(library.feed).toBeNull();
    expect(decideFeed(library, null, 't1')).toEqual([]);
    expect(decideFeed(library, '条例第5条', 't1')).toEqual([on('t1')]);
    const running = foldMemberService([known, on('t1')]);
    if (!running) throw new Error('not folded');
    expect(decideFeed(running, '条例第5条', 't2')).toEqual([]);
    expect(decideFeed(running, '条例第6条', 't2')).toMatchObject([{ data: { since: 't1' } }]);
    expect(decideFeed(running, null, 't2')).toEqual([{ type: 'MembershipFeedDisabled', data: { service: 'library' } }]);
  });
});
