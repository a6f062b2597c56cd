import fc from 'fast-check';
import { fold, type PersonEvent } from './person.js';
import { decideLogin, personOfSubject, type SubjectBound } from './subject.js';

const issuer = 'https://login.example/';
const base = { subjectRef: 's', issuer, holder: undefined, session: null, newPersonId: 'new' };

it('a free subject registers a person, or joins the person of the session', () => {
  const data = { personId: 'new', subjectRef: 's', issuer };
  expect(decideLogin(base)).toEqual({
    ok: true,
    value: {
      personId: 'new',
      isNew: true,
      person: [
        { type: 'PersonRegistered', data: { personId: 'new' } },
        { type: 'SubjectAdded', data },
      ],
      subject: { type: 'SubjectBound', data: { ...data, by: 'first' } },
    },
  });
  const joined = decideLogin({ ...base, session: { personId: 'p', subjects: [] } });
  expect(joined).toMatchObject({
    ok: true,
    value: { personId: 'p', isNew: false, subject: { data: { personId: 'p', by: 'session' } } },
  });
});

it('a second login is for another issuer only: the login of the country may be handed to another app', () => {
  const session = { personId: 'p', subjects: [{ subjectRef: 'older', issuer: 'https://older.example/' }] };
  expect(decideLogin({ ...base, session }).ok).toBe(true);
  const same = { personId: 'p', subjects: [{ subjectRef: 'older', issuer }] };
  expect(decideLogin({ ...base, session: same })).toMatchObject({ refusal: { code: 'identity.under_review' } });
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
        const session = person && { personId: person, subjects: fold(persons.get(person) ?? [])?.subjects ?? [] };
        const newPersonId = `new ${n}`;
        const decided = decideLogin({ subjectRef, issuer, holder: personOfSubject(events), session, newPersonId });
        if (!decided.ok) continue;
        const { personId, subject } = decided.value;
        if (person) expect(personId).toBe(person);
        if (events[0]) expect(personId).toBe(events[0].data.personId);
        persons.set(personId, [...(persons.get(personId) ?? []), ...decided.value.person]);
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
