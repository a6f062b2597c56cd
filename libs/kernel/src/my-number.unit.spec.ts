import fc from 'fast-check';
import { holdsMyNumber } from './my-number.js';

/** Made up; the check digits were worked out by hand: 1·6+2·5+3·4+4·3+5·2+6·7+7·6+8·5+9·4+0·3+1·2 = 212 = 19·11 + 3, so 8. */
const one = '123456789018';

describe('a My Number', () => {
  it.each([
    one,
    '1234 5678 9018',
    '1234-5678-9018',
    '１２３４５６７８９０１８',
    '1234－5678－9018',
    '1234ー5678ー9018',
    `番号は${one}です`,
    `(${one})`,
    // 1·6 = 6, so 5; 5·6 = 30 = 2·11 + 8, so 3; a rest of 1 or 0 gives 0: 2·6 = 12, and nothing at all.
    '100000000005',
    '500000000003',
    '200000000000',
    '000000000000',
  ])('is seen in %p', (text) => {
    expect(holdsMyNumber(text)).toBe(true);
  });

  it.each([
    '',
    '12345678901',
    '123456789017',
    '1234567890181',
    '0123456789018',
    '1234 5678 9018 1111',
    '1111 1234 5678 9018',
    '1234 5678-9018',
    `R-${one}`,
    `019ab3f0-6c00-7000-8000-${one}`,
    `a${one}`,
    `${one}b`,
  ])('is not seen in %p', (text) => {
    expect(holdsMyNumber(text)).toBe(false);
  });

  it('is told by its last digit: of ten numbers that share eleven digits, one', () => {
    const eleven = fc.stringMatching(/^\d{11}$/);
    fc.assert(
      fc.property(eleven, (digits) => {
        expect([...'0123456789'].filter((last) => holdsMyNumber(digits + last))).toHaveLength(1);
      }),
    );
  });
});
