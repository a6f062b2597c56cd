import { japanDay } from '@tsunagu/kernel';
import fc from 'fast-check';
import { decideSignIn, type Holder, type KnownPerson, type SignedIn } from './sign-in.js';

const base = {
  programmeId: 'default',
  freeMyKeyIdRef: 'k',
  newPersonId: 'new',
  assignedTo: null,
  session: null,
  birthDate: null,
} as const;

function decided(signIn: Parameters<typeof decideSignIn>[0]): SignedIn {
  const result = decideSignIn(signIn);
  if (result.outcome !== 'signed_in') throw new Error(result.outcome);
  return result;
}

/** `a: 'p'` is bound to p, who stands for themselves; `a: 'q>p'` is bound to q, who was merged into p. */
function holders(of: Readonly<Record<string, string>>): ReadonlyMap<string, Holder> {
  return new Map(
    Object.entries(of).map(([ref, text]) => {
      const [boundTo = '', personId = boundTo] = text.split('>');
      return [ref, { boundTo, personId }];
    }),
  );
}

const bound = ({ certificates }: SignedIn) =>
  certificates.map(({ data }) => `${data.certificateRef} ${data.by} ${data.personId}`);

describe('whose certificate it is', () => {
  it('a first issue makes a new person with the card’s MyKey ID', () => {
    expect(decideSignIn({ ...base, certificateRef: 'a', linkedRefs: [], holders: new Map() })).toEqual({
      outcome: 'signed_in',
      boundTo: 'new',
      personId: 'new',
      isNew: true,
      person: [
        { type: 'PersonRegistered', data: { personId: 'new' } },
        { type: 'MyKeyIdRegistered', data: { personId: 'new', programmeId: 'default', myKeyIdRef: 'k' } },
      ],
      certificates: [{ type: 'CertificateBound', data: { personId: 'new', certificateRef: 'a', by: 'presented' } }],
      myKeyId: { type: 'MyKeyIdReserved', data: { personId: 'new', myKeyIdRef: 'k' } },
    });
  });

  it('a successor belongs to the known predecessor’s person, however far back', () => {
    const value = decided({ ...base, certificateRef: 'c', linkedRefs: ['b', 'a'], holders: holders({ a: 'p' }) });
    expect([value.personId, value.isNew, value.myKeyId]).toEqual(['p', false, null]);
    expect(bound(value)).toEqual(['c presented p', 'b linked p']);
  });

  it('a first certificate reserves all that link data names, each once', () => {
    const value = decided({ ...base, certificateRef: 'c', linkedRefs: ['b', 'a', 'b', 'c'], holders: new Map() });
    expect(bound(value)).toEqual(['c presented new', 'b linked new', 'a linked new']);
  });

  it('certificates of two persons are a contradiction, until staff say whose it is', () => {
    const signIn = { ...base, certificateRef: 'c', linkedRefs: ['b', 'x', 'a'], holders: holders({ a: 'q', b: 'p' }) };
    expect(decideSignIn(signIn)).toEqual({ outcome: 'contradiction', personIds: ['p', 'q'] });
    const merged = { ...signIn, holders: holders({ a: 'q>r', b: 'p' }) };
    expect(decideSignIn(merged)).toEqual({ outcome: 'contradiction', personIds: ['p', 'q'] });
    expect(decideSignIn({ ...signIn, assignedTo: 'somebody' }).outcome).toBe('contradiction');
    expect(bound(decided({ ...signIn, assignedTo: 'q' }))).toEqual(['c presented q']);
  });

  it('certificates of two ids that mean one person are none: it is bound where the nearest one is', () => {
    const value = decided({
      ...base,
      certificateRef: 'c',
      linkedRefs: ['b', 'a'],
      holders: holders({ a: 'p', b: 'q>p' }),
    });
    expect([value.boundTo, value.personId, value.isNew]).toEqual(['q', 'p', false]);
    expect(bound(value)).toEqual(['c presented q']);
  });

  it('a taken MyKey ID leaves the person without one', () => {
    const value = decided({
      ...base,
      certificateRef: 'a',
      linkedRefs: [],
      holders: new Map(),
      freeMyKeyIdRef: null,
    });
    expect([value.isNew, value.myKeyId, value.person.length]).toEqual([true, null, 1]);
  });

  const session = (of: Partial<KnownPerson> = {}): KnownPerson => {
    return { boundTo: 's', personId: 's', subjects: [], hasCard: false, birthDate: null, ...of };
  };
  const joining = (of: Partial<Parameters<typeof decideSignIn>[0]> = {}) =>
    decideSignIn({ ...base, certificateRef: 'c', linkedRefs: ['b'], holders: new Map(), session: session(), ...of });

  it('a card that is nobody’s joins the session that it is presented in, with all that link data names and its MyKey ID', () => {
    expect(joining()).toEqual({
      outcome: 'signed_in',
      boundTo: 's',
      personId: 's',
      isNew: false,
      person: [
        { type: 'CardJoined', data: { personId: 's', certificateRefs: ['c', 'b'], by: 'session' } },
        { type: 'MyKeyIdRegistered', data: { personId: 's', programmeId: 'default', myKeyIdRef: 'k' } },
      ],
      certificates: ['c presented', 'b linked'].map((each) => {
        const [certificateRef, by] = each.split(' ');
        return { type: 'CertificateBound', data: { personId: 's', certificateRef, by } };
      }),
      myKeyId: { type: 'MyKeyIdReserved', data: { personId: 's', myKeyIdRef: 'k' } },
    });
    expect(joining({ freeMyKeyIdRef: null })).toMatchObject({ personId: 's', myKeyId: null });
  });

  it('a card that follows the session’s own is theirs without being joined; one of somebody else, or a second one, is refused', () => {
    const own = { session: session({ hasCard: true }), holders: holders({ b: 'old>s' }) };
    expect(joining(own)).toMatchObject({ outcome: 'signed_in', boundTo: 'old', personId: 's' });
    expect(joining({ holders: holders({ b: 'p' }) })).toMatchObject({ outcome: 'not_joined', personIds: ['p', 's'] });
    expect(joining({ session: session({ hasCard: true }) })).toMatchObject({ outcome: 'not_joined', personIds: ['s'] });
    const torn = { linkedRefs: ['a', 'b'], holders: holders({ a: 's', b: 'p' }) };
    expect(joining(torn).outcome).toBe('contradiction');
    expect(joining({ ...torn, assignedTo: 's' })).toMatchObject({ outcome: 'signed_in', personId: 's' });
    expect(joining({ ...torn, assignedTo: 'p' })).toMatchObject({ outcome: 'not_joined', personIds: ['p', 's'] });
  });

  it('a card that tells another birth date than is known of the session’s person is not joined; one that tells none is', () => {
    const outcome = (told: string | null, held: string | null) =>
      joining({
        birthDate: told === null ? null : japanDay(told),
        session: session({ birthDate: held === null ? null : japanDay(held) }),
      }).outcome;
    expect(outcome('1990-04-01', '1990-04-02')).toBe('not_joined');
    const fit = [outcome('1990-04-01', '1990-04-01'), outcome(null, '1990-04-01'), outcome('1990-04-01', null)];
    expect(fit).toEqual(['signed_in', 'signed_in', 'signed_in']);
  });

  it('makes one person a chain of cards, in whatever order the cards of many persons are presented', () => {
    // A tap is (person, generation of the card); the link data of a card names all cards before it.
    const taps = fc.array(fc.record({ human: fc.integer({ min: 0, max: 4 }), card: fc.integer({ min: 0, max: 5 }) }));
    fc.assert(
      fc.property(taps, (sequence) => {
        const known = new Map<string, string>();
        const people = new Map<number, string>();
        let made = 0;
        for (const { human, card } of sequence) {
          const certificateRef = `${human}/${card}`;
          let personId = known.get(certificateRef);
          if (personId === undefined) {
            const linkedRefs = Array.from({ length: card }, (_, index) => `${human}/${card - 1 - index}`);
            const value = decided({
              ...base,
              certificateRef,
              linkedRefs,
              holders: new Map(
                linkedRefs.flatMap((ref) => {
                  const personId = known.get(ref);
                  return personId === undefined ? [] : [[ref, { boundTo: personId, personId }] as const];
                }),
              ),
              newPersonId: `p${++made}`,
            });
            for (const { data } of value.certificates) {
              expect(known.has(data.certificateRef)).toBe(false);
              known.set(data.certificateRef, data.personId);
            }
            personId = value.personId;
          }
          expect(people.get(human) ?? personId).toBe(personId);
          people.set(human, personId);
        }
        expect(new Set(people.values()).size).toBe(people.size);
      }),
    );
  });
});
