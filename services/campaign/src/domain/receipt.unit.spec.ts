import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { parseReceiptNumber, receiptNumber } from './receipt.js';

const claimIds = fc.uuid().map((id) => id.toLowerCase());
const signs = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

describe('receipt number', () => {
  it('is always the same for a claim and looks like R- and four groups of four', () => {
    expect(receiptNumber('019ab3f0-6c00-7000-8000-0000000000c1')).toBe('R-VHFF-AAM9-BBEU-ATMQ');
    fc.assert(
      fc.property(claimIds, (id) => {
        expect(receiptNumber(id)).toMatch(/^R(-[2-9A-HJKMNP-Z]{4}){4}$/);
      }),
    );
  });

  it('differs between claims of the same millisecond', () => {
    const numbers = new Set(Array.from({ length: 10_000 }, () => receiptNumber(newId(1_763_600_000_000))));
    expect(numbers.size).toBe(10_000);
  });

  it('is read back as people type it', () => {
    fc.assert(
      fc.property(claimIds, fc.constantFrom('', ' ', '-'), fc.boolean(), (id, between, withR) => {
        const number = receiptNumber(id);
        const groups = number.toLowerCase().split('-');
        expect(parseReceiptNumber((withR ? groups : groups.slice(1)).join(between))).toBe(number);
      }),
    );
  });

  it('finds every single wrong sign', () => {
    fc.assert(
      fc.property(claimIds, fc.nat(15), fc.nat(29), (id, at, step) => {
        const number = [...receiptNumber(id).replaceAll('-', '').slice(1)];
        const right = signs.indexOf(number[at] ?? '');
        number[at] = signs.charAt((right + 1 + step) % signs.length);
        expect(parseReceiptNumber(number.join(''))).toBeUndefined();
      }),
    );
  });

  it('finds every swap of two signs', () => {
    fc.assert(
      fc.property(claimIds, fc.nat(15), fc.nat(15), (id, a, b) => {
        const number = [...receiptNumber(id).replaceAll('-', '').slice(1)];
        const [first = '', second = ''] = [number[a], number[b]];
        fc.pre(first !== second);
        number[a] = second;
        number[b] = first;
        expect(parseReceiptNumber(number.join(''))).toBeUndefined();
      }),
    );
  });

  it.each(['', 'R', 'R-', '0'.repeat(16), 'R-0000-0000-0000-0000', '\u0000', 'Ｒ-2222', 'R'.repeat(40)])(
    'takes %j for no receipt',
    (text) => expect(parseReceiptNumber(text)).toBeUndefined(),
  );
});
