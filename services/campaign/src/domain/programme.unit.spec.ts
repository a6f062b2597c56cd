import fc from 'fast-check';
import { decideCreate, defaultProgramme, fold, isOpenTo, type Programme } from './programme.js';

const at = '2026-11-20T01:00:00.000Z';
const programmes: fc.Arbitrary<Programme> = fc.record({
  programmeId: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  name: fc.string({ minLength: 1 }),
  providersPerPerson: fc.constantFrom('one', 'many'),
  linkConfirmation: fc.constantFrom('none', 'person', 'proof'),
  linkChange: fc.constantFrom('never_after_claim', 'allowed'),
  ownerId: fc.constantFrom('demo', 'tokyo'),
});

describe('a programme', () => {
  it('is created once and is what it was created as', () => {
    fc.assert(
      fc.property(programmes, programmes, (first, second) => {
        const created = decideCreate(undefined, first, at);
        const state = created.ok ? fold(created.value) : undefined;
        expect(state).toEqual(first);
        expect(decideCreate(state, second, at)).toMatchObject({
          ok: false,
          refusal: { code: 'campaign.programme_exists' },
        });
      }),
    );
  });

  it('is open to its owner, the default one to everybody', () => {
    const own: Programme = { ...defaultProgramme, programmeId: 'own', ownerId: 'demo' };
    expect([isOpenTo(own, 'demo'), isOpenTo(own, 'tokyo'), isOpenTo(defaultProgramme, 'tokyo')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
