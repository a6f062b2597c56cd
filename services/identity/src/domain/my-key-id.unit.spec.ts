import {
  decideChange,
  decideConfirmation,
  decideProvisional,
  decideRegistration,
  defaultRule,
  fitsRule,
  type Held,
  heldBy,
  holderOf,
  type MyKeyIdEvent,
  pendingAt,
  type Wish,
} from './my-key-id.js';

const nowMs = Date.parse('2026-11-20T00:00:00.000Z');
const until = '2026-12-20T00:00:00.000Z';
const nobody: Held = { registeredRef: null, provisional: null };
const has = (registeredRef: string): Held => ({ registeredRef, provisional: null });
const pending: Held = { registeredRef: null, provisional: { myKeyIdRef: 'ref', until } };
const of = (personId: string): MyKeyIdEvent => ({ type: 'MyKeyIdReserved', data: { personId, myKeyIdRef: 'ref' } });
const forNow = (personId: string): MyKeyIdEvent => ({
  type: 'MyKeyIdProvisionallyReserved',
  data: { personId, myKeyIdRef: 'ref', until },
});
const data = { personId: 'me', programmeId: 'p', myKeyIdRef: 'ref' };
const wish = (own: Held, holders: MyKeyIdEvent[] = [], atMs = nowMs): Wish => ({
  ...data,
  own,
  holders,
  nowMs: atMs,
});
const nothing = { ok: true, value: { person: [], reservation: [] } };
const refused = (code: string) => expect.objectContaining({ ok: false, refusal: expect.objectContaining({ code }) });
const lapsedMs = Date.parse(until);

describe('a full registration', () => {
  const done = {
    ok: true,
    value: { person: [{ type: 'MyKeyIdRegistered', data }], reservation: [of('me')] },
  };
  it.each<[string, Wish, unknown]>([
    ['of a free string', wish(nobody), done],
    ['of a string that is the person’s own for some days', wish(pending, [forNow('me')]), done],
    ['of a string whose provisional registration has lapsed', wish(nobody, [forNow('other')], lapsedMs), done],
    ['again', wish(has('ref'), [of('me')]), nothing],
    ['of a second string', wish(has('old')), refused('identity.my_key_id_registered')],
    ['of a taken string', wish(nobody, [of('other')]), refused('identity.my_key_id_taken')],
    ['of a string kept for another', wish(nobody, [forNow('other')]), refused('identity.my_key_id_taken')],
  ])('%s', (_name, given, expected) => {
    expect(decideRegistration(given)).toEqual(expected);
  });
});

describe('a change', () => {
  const changed = { type: 'MyKeyIdChanged', data: { ...data, previousRef: 'old' } };
  it.each<[string, Wish, unknown]>([
    ['to a free string', wish(has('old')), { ok: true, value: { person: [changed], reservation: [of('me')] } }],
    ['back', wish(has('old'), [of('me')]), { ok: true, value: { person: [changed], reservation: [] } }],
    ['to the same', wish(has('ref'), [of('me')]), nothing],
    ['before a registration', wish(nobody), refused('identity.my_key_id_not_registered')],
    ['to the old string of another', wish(has('old'), [of('other')]), refused('identity.my_key_id_taken')],
  ])('%s', (_name, given, expected) => {
    expect(decideChange(given)).toEqual(expected);
  });
});

describe('a provisional registration', () => {
  it('keeps the string for 30 days', () => {
    expect(decideProvisional(wish(nobody))).toEqual({
      ok: true,
      value: {
        person: [{ type: 'MyKeyIdProvisionallyRegistered', data: { ...data, until } }],
        reservation: [forNow('me')],
      },
    });
    expect(pendingAt(pending, lapsedMs - 1)).not.toBeNull();
    expect(pendingAt(pending, lapsedMs)).toBeNull();
  });

  it.each<[string, Wish, unknown]>([
    ['again', wish(pending, [forNow('me')]), nothing],
    ['of a taken string', wish(nobody, [of('other')]), refused('identity.my_key_id_taken')],
    ['of the registered string', wish(has('ref'), [of('me')]), refused('identity.my_key_id_registered')],
    [
      'of a second string',
      wish({ registeredRef: null, provisional: { myKeyIdRef: 'x', until } }),
      refused('identity.my_key_id_reserved'),
    ],
  ])('%s', (_name, given, expected) => {
    expect(decideProvisional(given)).toEqual(expected);
  });

  it('is confirmed while it lasts, as a change where the person has another ID', () => {
    expect(decideConfirmation(wish(pending, [forNow('me')]))).toMatchObject({
      value: { person: [{ type: 'MyKeyIdRegistered' }], reservation: [of('me')] },
    });
    expect(decideConfirmation(wish({ ...pending, registeredRef: 'old' }, [forNow('me')]))).toMatchObject({
      value: { person: [{ type: 'MyKeyIdChanged', data: { previousRef: 'old' } }] },
    });
    expect(decideConfirmation(wish(has('ref'), [of('me')]))).toEqual(nothing);
    const lapsed = refused('identity.my_key_id_not_reserved');
    expect(decideConfirmation(wish(pending, [forNow('me')], lapsedMs))).toEqual(lapsed);
    expect(decideConfirmation(wish(nobody))).toEqual(lapsed);
  });
});

it('what a person has is folded by programme', () => {
  const held = heldBy([
    { type: 'PersonRegistered' },
    { type: 'MyKeyIdRegistered', data: { ...data, programmeId: 'a' } },
    { type: 'MyKeyIdProvisionallyRegistered', data: { ...data, programmeId: 'a', myKeyIdRef: 'next', until } },
    { type: 'MyKeyIdChanged', data: { ...data, programmeId: 'b', previousRef: 'x' } },
  ] as { type: string }[]);
  expect([...held]).toEqual([
    ['a', { registeredRef: 'ref', provisional: { myKeyIdRef: 'next', until } }],
    ['b', { registeredRef: 'ref', provisional: null }],
  ]);
  expect(holderOf([forNow('other'), of('me')])).toBe('me');
});

it.each([
  ['1C2410DF79DGEL', true],
  ['1C2410DF79DGE', false],
  ['1C2410DF79DGELX', false],
  ['1c2410df79dgel', false],
  ['１C2410DF79DGEL', false],
])('%s fits the default form: %s', (text, expected) => {
  expect(fitsRule(text, defaultRule)).toBe(expected);
});
