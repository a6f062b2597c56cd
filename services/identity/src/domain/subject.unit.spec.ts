import { japanDay } from '@tsunagu/kernel';
import fc from 'fast-check';
import { fold, type PersonEvent } from './person.js';
import { decideLogin, personOfSubject, type SubjectBound } from './subject.js';

const issuer = 'https://login.example/';
const base = { subjectRef: 's', issuer, holder: undefined, birthDate: null, session: null, newPersonId: 'new' };

it('a free subject registers a person, or joins the person of the session', () => {
  const data = { personId: 'new', subjectRef: 's', issuer };
  expect(decideLogin(base)).toEqual({
    outcome: 'logged_in',
    personId: 'new',
    isNew: true,
    person: [
      { type: 'PersonRegistered', data: { personId: 'new' } },
      { type: 'SubjectAdded', data },
    ],
    subject: { type: 'SubjectBound', data: { ...data, by: 'first' } },
  });
  const joined = decideLogin({ ...base, session: { personId: 'p', subjects: [], birthDate: null } });
  expect(joined).toMatchObject({
    personId: 'p',
    isNew: false,
    subject: { data: { personId: 'p', by: 'session' } },
  });
});

it('a second login is for another issuer only: the login of the country may be handed to another app', () => {
  const session = {
    personId: 'p',
    subjects: [{ subjectRef: 'older', issuer: 'https://older.example/' }],
    birthDate: null,
  };
  expect(decideLogin({ ...base, session }).outcome).toBe('logged_in');
  const same = { personId: 'p', subjects: [{ subjectRef: 'older', issuer }], birthDate: null };
  expect(decideLogin({ ...base, session: same })).toMatchObject({ outcome: 'contradiction', personIds: ['p'] });
  const other = decideLogin({ ...base, holder: 'q', session });
  expect(other).toMatchObject({ outcome: 'contradiction', personIds: ['q', 'p'] });
});

it('a login that tells another birth date than the card did is not joined; one that tells none is', () => {
  const join = (held: string | null, told: string | null) =>
    decideLogin({
      ...base,
      birthDate: told === null ? null : japanDay(told),
      session: { personId: 'p', subjects: [], birthDate: held === null ? null : japanDay(held) },
    }).outcome === 'logged_in';
  expect(join('1990-04-01', '1990-04-02')).toBe(false);
  expect([join('1990-04-01', '1990-04-01'), join('1990-04-01', null), join(null, '1990-04-02')]).toEqual([
    true,
    true,
    true,
  ]);
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
        const session = person && { personId: person, subjects: subjectsOf(person), birthDate: null };
        const newPersonId = `new ${n}`;
        const decided = decideLogin({
          ...base,
          subjectRef,
          issuer,
          holder: personOfSubject(events),
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
