import fc from 'fast-check';
import { jsonDepthMax, parseJsonBody } from './json-body.js';

const parse = (text: string) => parseJsonBody(Buffer.from(text));

describe('parseJsonBody', () => {
  it('reads what JSON.parse reads, where no rule of its own forbids it', () => {
    const plain = fc.jsonValue({ maxDepth: 6, noUnicodeString: false });
    fc.assert(
      fc.property(plain, fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!/\\u0000|\\ud[89a-f]|"(__proto__|constructor|prototype)":/i.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('finds a member written twice at any depth, and does not mind colons in strings', () => {
    expect(() => parse('{"a":{"b":1,"b":1}}')).toThrow('twice');
    expect(() => parse('[{"a":1},{"a":1,"\\u0061":2}]')).toThrow('twice');
    expect(parse('{"a:b":"c:\\"d:e","f":[{"a":":"}]}')).toEqual({ 'a:b': 'c:"d:e', f: [{ a: ':' }] });
  });

  it('takes nesting up to its limit and no more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parse(nested(jsonDepthMax))).toBeDefined();
    expect(() => parse(nested(jsonDepthMax + 1))).toThrow('nested');
    expect(parse(`"${'['.repeat(100)}"`)).toBe('['.repeat(100));
  });

  it('takes an empty body for none', () => {
    expect(parse('')).toBeUndefined();
  });
});
