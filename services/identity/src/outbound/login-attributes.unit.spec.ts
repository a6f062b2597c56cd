import { attributesOfLogin } from './login-attributes.js';

const readAt = '2026-11-20T00:00:00.000Z';
const read = (claims: Record<string, unknown>) => attributesOfLogin(claims, readAt);

it('all four claims, in the forms of the card', () => {
  const claims = { name: ' 見本　太郎 ', birthdate: '19900401', gender: 'male', address: '東京都港区芝1-1' };
  expect(read(claims)).toEqual({
    source: 'nationalLogin',
    name: '見本　太郎',
    birthDate: '1990-04-01',
    sex: '1',
    address: '東京都港区芝1-1',
    residenceCode: '13103',
    residenceTable: '2026-04-01',
    readAt,
    issuedAt: readAt,
  });
});

it.each([
  ['1990-04-01', '1990-04-01'],
  ['319900401', '1990-04-01'],
  ['0000-04-01', null],
  ['1990', null],
  ['1990-02-30', null],
  ['', null],
  [19900401, null],
])('birthdate %s', (birthdate, day) => {
  expect(read({ birthdate }).birthDate).toBe(day);
});

it.each([
  ['female', '2'],
  ['2', '2'],
  ['other', null],
  [undefined, null],
])('gender %s', (gender, sex) => {
  expect(read({ gender }).sex).toBe(sex);
});

it('an address as a text or as OpenID’s object, and none is unknown', () => {
  expect(read({ address: { formatted: '東京都\n港区 芝' } }).residenceCode).toBe('13103');
  expect(read({ address: '大阪府大阪市' }).residenceCode).toBe('27');
  for (const address of [undefined, null, '', {}, { formatted: 1 }, ['東京都'], 'x'.repeat(501)]) {
    expect([read({ address }).address, read({ address }).residenceCode]).toEqual([null, null]);
  }
});

it('a My Number in a claim is not taken', () => {
  expect(read({ name: '見本 1234 5678 9018', address: '東京都 123456789018' })).toMatchObject({
    name: null,
    address: null,
  });
});
