import { japanDay } from '@tsunagu/kernel';
import fc from 'fast-check';
import { fold, type PersonEvent } from './person.js';
import type { KnownPerson } from './sign-in.js';
import { decideLogin, personOfSubject, type SubjectBound } from './subject.js';

const issuer = 'https://login.example/';
const base = {
  subjectRef: 's',
  issuer,
  holder: undefined,
  birthDate: null,
  session: null,
  signature: null,
  newPersonId: 'new',
} as const;

function known(personId: string, of: Partial<KnownPerson> = {}): KnownPerson {
  return { boundTo: personId, personId, subjects: [], hasCard: false, birthDate: null, ...of };
}

it('a free subject registers a person, or joins the person of the session', () => {
  const data = { personId: 'new', subjectRef: 's', issuer };
  expect(decideLogin(base)).toEqual({
    outcome: 'logged_in',
    boundTo: 'new',
    personId: 'new',
    isNew: true,
    person: [
      { type: 'PersonRegistered', data: { personId: 'new' } },
      { type: 'SubjectAdded', data },
    ],
    subject: { type: 'SubjectBound', data: { ...data, by: 'first' } },
    certificates: [],
  });
  const joined = decideLogin({ ...base, session: known('p') });
  expect(joined).toMatchObject({
    personId: 'p',
    isNew: false,
    subject: { data: { personId: 'p', by: 'session' } },
  });
});

it('a second login is for another issuer only: the login of the country may be handed to another app', () => {
  const session = known('p', { subjects: [{ subjectRef: 'older', issuer: 'https://older.example/' }] });
  expect(decideLogin({ ...base, session }).outcome).toBe('logged_in');
  const same = known('p', { subjects: [{ subjectRef: 'older', issuer }] });
  expect(decideLogin({ ...base, session: same })).toMatchObject({ outcome: 'contradiction', personIds: ['p'] });
  const other = decideLogin({ ...base, holder: known('q'), session });
  expect(other).toMatchObject({ outcome: 'contradiction', personIds: ['q', 'p'] });
});

it('a login that tells another birth date than the card did is not joined; one that tells none is', () => {
  const join = (held: string | null, told: string | null) =>
    decideLogin({
      ...base,
      birthDate: told === null ? null : japanDay(told),
      session: known('p', { birthDate: held === null ? null : japanDay(held) }),
    }).outcome === 'logged_in';
  expect(join('1990-04-01', '1990-04-02')).toBe(false);
  expect([join('1990-04-01', '1990-04-01'), join('1990-04-01', null), join(null, '1990-04-02')]).toEqual([
    true,
    true,
    true,
  ]);
});

it('a card that signed brings its person, or is reserved for that of the login', () => {
  const unknown = { holder: undefined, freeRefs: ['a', 'b'], birthDate: null };
  expect(decideLogin({ ...base, signature: unknown })).toMatchObject({
    personId: 'new',
    isNew: true,
    person: [
      { type: 'PersonRegistered' },
      { type: 'SubjectAdded' },
      { type: 'CardJoined', data: { personId: 'new', certificateRefs: ['a', 'b'], by: 'loginSignature' } },
    ],
    subject: { data: { by: 'first' } },
    certificates: [
      { data: { personId: 'new', certificateRef: 'a', by: 'linked' } },
      { data: { personId: 'new', certificateRef: 'b', by: 'linked' } },
    ],
  });
  const before = decideLogin({ ...base, holder: known('p'), signature: unknown });
  expect(before).toMatchObject({ personId: 'p', isNew: false, person: [{ type: 'CardJoined' }], subject: null });
  const card = { ...unknown, holder: known('q', { boundTo: 'old', hasCard: true }), freeRefs: [] };
  expect(decideLogin({ ...base, signature: card })).toMatchObject({
    boundTo: 'old',
    personId: 'q',
    person: [{ type: 'SubjectAdded', data: { personId: 'old' } }],
    subject: { data: { personId: 'old', by: 'signature' } },
    certificates: [],
  });
  const again = decideLogin({ ...base, holder: known('q'), session: known('q'), signature: card });
  expect(again).toMatchObject({ personId: 'q', person: [], subject: null, certificates: [] });
});

it('subject, session and card of a login are one person, of one birth date, or nothing is done', () => {
  const party = fc.record({
    personId: fc.constantFrom('p', 'q'),
    hasCard: fc.boolean(),
    subjects: fc.constantFrom([], [{ subjectRef: 'other', issuer }]),
    birthDate: fc.constantFrom(null, japanDay('1990-04-01'), japanDay('1990-04-02')),
  });
  const birthDate = fc.constantFrom(null, japanDay('1990-04-01'), japanDay('1990-04-02'));
  const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
  const signature = fc.record({ holder: maybe(party), freeRefs: fc.constantFrom([], ['a']), birthDate });
  fc.assert(
    fc.property(maybe(party), maybe(party), maybe(signature), birthDate, (holder, session, signed, told) => {
      // One person is known by the same facts whichever way they come.
      const given = [holder, session, signed?.holder];
      const as = (of: typeof holder) => {
        return of && known(of.personId, given.find((each) => each?.personId === of.personId) ?? of);
      };
      const parties = [as(holder), as(session), as(signed?.holder)].filter((each) => each !== undefined);
      const decided = decideLogin({
        ...base,
        holder: as(holder),
        session: as(session) ?? null,
        signature: signed ? { ...signed, holder: as(signed.holder) } : null,
        birthDate: told,
      });
      const ids = new Set(parties.map(({ personId }) => personId));
      if (decided.outcome === 'contradiction') {
        expect(new Set(decided.personIds)).toEqual(ids);
        return;
      }
      expect(ids.size).toBeLessThanOrEqual(1);
      expect(decided.isNew).toBe(parties.length === 0);
      for (const id of ids) expect(decided.personId).toBe(id);
      // A card that is nobody's never becomes a second one.
      const owner = as(signed?.holder) ?? as(session) ?? as(holder);
      if (decided.certificates.length > 0 && !signed?.holder) expect(owner?.hasCard ?? false).toBe(false);
      if (decided.subject) expect(owner?.subjects ?? []).toEqual([]);
      if (signed) {
        const dates = [...parties.map((each) => each.birthDate), told, signed.birthDate].filter((each) => each);
        expect(new Set(dates).size).toBeLessThanOrEqual(1);
      }
    }),
  );
});

it('in whatever order logins come, a subject has one person and a person one subject of an issuer', () => {
  const login = fc.record({
    subjectRef: fc.constantFrom('a', 'b', 'c'),
    issuer: fc.constantFrom('https://one.example/', 'https://two.example/'),
    person: fc.option(fc.constantFrom('p', 'q'), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(login, { maxLength: 20 }), (logins) => {
      const persons = new Map<string, PersonEvent[]>(
        ['p', 'q'].map((personId) => [personId, [{ type: 'PersonRegistered', data: { personId } }]]),
      );
      const subjects = new Map<string, SubjectBound[]>();
      for (const [n, { subjectRef: name, issuer, person }] of logins.entries()) {
        const subjectRef = `${issuer} ${name}`;
        const events = subjects.get(subjectRef) ?? [];
        const subjectsOf = (personId: string) => fold(persons.get(personId) ?? [])?.subjects ?? [];
        const session = person && known(person, { subjects: subjectsOf(person) });
        const newPersonId = `new ${n}`;
        const decided = decideLogin({
          ...base,
          subjectRef,
          issuer,
          holder: events[0] && known(personOfSubject(events) ?? ''),
          session,
          newPersonId,
        });
        if (decided.outcome === 'contradiction') continue;
        const { personId, subject } = decided;
        if (person) expect(personId).toBe(person);
        if (events[0]) expect(personId).toBe(events[0].data.personId);
        persons.set(personId, [...(persons.get(personId) ?? []), ...decided.person]);
        if (subject) subjects.set(subjectRef, [...events, subject]);
      }
      for (const events of subjects.values()) expect(events).toHaveLength(1);
      for (const events of persons.values()) {
        const issuers = (fold(events)?.subjects ?? []).map((each) => each.issuer);
        expect(new Set(issuers).size).toBe(issuers.length);
      }
    }),
  );
});
