import { ok } from '@tsunagu/kernel';
import fc from 'fast-check';
import { decideSignIn, type SignedIn } from './sign-in.js';

const base = { programmeId: 'default', freeMyKeyIdRef: 'k', newPersonId: 'new' } as const;

function decided(signIn: Parameters<typeof decideSignIn>[0]): SignedIn {
  const result = decideSignIn(signIn);
  if (!result.ok) throw new Error(result.refusal.code);
  return result.value;
}

describe('whose certificate it is', () => {
  it('a first issue makes a new person with the card’s MyKey ID', () => {
    expect(decideSignIn({ ...base, certificateRef: 'a', predecessorRefs: [], holders: new Map() })).toEqual(
      ok({
        personId: 'new',
        isNew: true,
        person: [
          { type: 'PersonRegistered', data: { personId: 'new' } },
          { type: 'MyKeyIdRegistered', data: { personId: 'new', programmeId: 'default', myKeyIdRef: 'k' } },
        ],
        certificates: [{ type: 'CertificateBound', data: { personId: 'new', certificateRef: 'a', by: 'presented' } }],
        myKeyId: { type: 'MyKeyIdReserved', data: { personId: 'new', myKeyIdRef: 'k' } },
      }),
    );
  });

  it('a successor belongs to the known predecessor’s person, however far back', () => {
    const value = decided({
      ...base,
      certificateRef: 'c',
      predecessorRefs: ['b', 'a'],
      holders: new Map([['a', 'p']]),
    });
    expect([value.personId, value.isNew, value.myKeyId]).toEqual(['p', false, null]);
    expect(value.certificates.map(({ data }) => `${data.certificateRef} ${data.by}`)).toEqual([
      'c presented',
      'b linked',
    ]);
  });

  it('predecessors of two persons are a contradiction', () => {
    const holders = new Map([
      ['a', 'p'],
      ['b', 'q'],
    ]);
    expect(decideSignIn({ ...base, certificateRef: 'c', predecessorRefs: ['b', 'a'], holders })).toMatchObject({
      ok: false,
      refusal: { code: 'identity.under_review' },
    });
  });

  it('a taken MyKey ID leaves the person without one', () => {
    const value = decided({
      ...base,
      certificateRef: 'a',
      predecessorRefs: [],
      holders: new Map(),
      freeMyKeyIdRef: null,
    });
    expect([value.isNew, value.myKeyId, value.person.length]).toEqual([true, null, 1]);
  });

  it('makes one person a chain of cards, in whatever order the cards of many persons are presented', () => {
    // A tap is (person, generation of the card); the link data of a card names all cards before it.
    const taps = fc.array(fc.record({ human: fc.integer({ min: 0, max: 4 }), card: fc.integer({ min: 0, max: 5 }) }));
    fc.assert(
      fc.property(taps, (sequence) => {
        const holders = new Map<string, string>();
        const people = new Map<number, string>();
        let made = 0;
        for (const { human, card } of sequence) {
          const certificateRef = `${human}/${card}`;
          let personId = holders.get(certificateRef);
          if (personId === undefined) {
            const predecessorRefs = Array.from({ length: card }, (_, index) => `${human}/${card - 1 - index}`);
            const value = decided({
              ...base,
              certificateRef,
              predecessorRefs,
              holders: new Map(predecessorRefs.flatMap((ref) => [[ref, holders.get(ref)] as const].filter(hasHolder))),
              newPersonId: `p${++made}`,
            });
            for (const { data } of value.certificates) {
              expect(holders.has(data.certificateRef)).toBe(false);
              holders.set(data.certificateRef, data.personId);
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

function hasHolder(entry: readonly [string, string | undefined]): entry is readonly [string, string] {
  return entry[1] !== undefined;
}
