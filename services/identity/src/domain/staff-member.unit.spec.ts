import { decideAdmission, type StaffMapping, staffRoles } from './staff-member.js';

const mapping: StaffMapping = {
  roleClaim: 'groups',
  roles: { 'points-operators': 'operator', 'points-finance': 'finance', desk: 'support', duty: 'operator' },
  owner: { claim: 'org', owners: { 'city-13': 'tokyo', 'city-13-old': 'tokyo', 'city-27': 'osaka' } },
};
const admitted = (claims: Record<string, unknown>, role: (typeof staffRoles)[number] = 'operator', to = mapping) => {
  const decided = decideAdmission(to, claims, role);
  return decided.ok ? decided.value : decided.refusal.code;
};

describe('a member of staff', () => {
  it('has the role asked for where one of the claim’s values gives it', () => {
    const claims = { groups: ['everyone', 'points-operators', 'points-finance'], org: 'city-13' };
    expect(admitted(claims)).toEqual({ role: 'operator', ownerId: 'tokyo' });
    expect(admitted(claims, 'finance')).toEqual({ role: 'finance', ownerId: 'tokyo' });
    expect(admitted({ groups: 'desk', org: 'city-27' }, 'support')).toEqual({ role: 'support', ownerId: 'osaka' });
    expect(admitted({ groups: ['duty'] }, 'operator', { ...mapping, owner: { id: 'demo' } })).toEqual({
      role: 'operator',
      ownerId: 'demo',
    });
  });

  it('is told which role the login gives when it is another one', () => {
    const decided = decideAdmission(mapping, { groups: ['desk', 'points-finance'], org: 'city-13' }, 'operator');
    expect(decided).toMatchObject({
      ok: false,
      refusal: { code: 'identity.staff_not_admitted', detail: expect.stringContaining('support or finance') },
    });
  });

  it.each([
    [{}],
    [{ groups: [] }],
    [{ groups: 'Points-Operators' }],
    [{ groups: { 'points-operators': true } }],
    [{ groups: [['points-operators']] }],
    [{ groups: ['constructor', '__proto__', 'toString'] }],
    [{ role: 'operator', roles: ['operator'] }],
  ])('is nobody with %j', (claims) => {
    for (const role of staffRoles) {
      expect(admitted({ ...claims, org: 'city-13' }, role)).toBe('identity.staff_not_admitted');
    }
  });

  it('belongs to exactly one owner', () => {
    const groups = ['points-operators'];
    expect(admitted({ groups, org: ['city-13', 'city-13-old', 'elsewhere'] })).toMatchObject({ ownerId: 'tokyo' });
    for (const org of [undefined, 'elsewhere', 'constructor', ['city-13', 'city-27']]) {
      expect(admitted({ groups, org })).toBe('identity.staff_not_admitted');
    }
  });
});
