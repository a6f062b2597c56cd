import fc from 'fast-check';
import { type Answer, answersFor, decideEligibility, type Eligibility, rulesOf } from './eligibility.js';

const read = '2026-11-20T01:00:00.000Z';
const answer = (rule: Answer['rule'], said: Answer['answer']): Answer => ({
  rule,
  answer: said,
  factReadAt: said === 'unknown' ? null : read,
});
const both: Eligibility = { minimumAge: 15, residencePrefixes: ['13'] };

describe('eligibility', () => {
  it('asks nothing where there is no rule', () => {
    expect(rulesOf(null)).toEqual([]);
    expect(decideEligibility(null, [])).toEqual([]);
  });

  it('asks for an age of 0 too', () => expect(rulesOf({ minimumAge: 0 })).toEqual(['age']));

  it.each([
    ['yes', 'yes', []],
    ['no', 'yes', [['age', 'below_minimum']]],
    ['unknown', 'yes', [['age', 'unknown']]],
    ['yes', 'no', [['residence', 'outside']]],
    ['yes', 'unknown', [['residence', 'unknown']]],
    [
      'no',
      'unknown',
      [
        ['age', 'below_minimum'],
        ['residence', 'unknown'],
      ],
    ],
  ] as const)('age %s, residence %s', (age, residence, expected) => {
    const errors = decideEligibility(both, [answer('age', age), answer('residence', residence)]);
    expect(errors.map(({ field, code }) => [field, code])).toEqual(expected);
  });

  it('takes what was not answered for unknown, and ignores what was not asked', () => {
    expect(decideEligibility(both, [answer('age', 'yes')]).map(({ code }) => code)).toEqual(['unknown']);
    expect(decideEligibility({ minimumAge: 15 }, [answer('age', 'yes'), answer('residence', 'no')])).toEqual([]);
  });

  it('lets nobody through without a yes for every rule, in whatever order the answers come', () => {
    const said = fc.constantFrom<Answer['answer']>('yes', 'no', 'unknown');
    fc.assert(
      fc.property(said, said, fc.boolean(), (age, residence, swapped) => {
        const answers = [answer('age', age), answer('residence', residence)];
        const given = swapped ? answers.reverse() : answers;
        expect(decideEligibility(both, given).length === 0).toBe(age === 'yes' && residence === 'yes');
        expect(answersFor(both, given).map(({ rule }) => rule)).toEqual(['age', 'residence']);
      }),
    );
  });
});
