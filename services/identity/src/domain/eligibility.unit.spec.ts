import { addDays, japanDay, startOfDay } from '@tsunagu/kernel';
import fc from 'fast-check';
import { answerRules, type Facts } from './eligibility.js';

const at = Date.parse('2026-11-20T01:00:00Z');
const facts: Facts = { birthDate: japanDay('2008-11-21'), residenceCode: '13101', readAt: '2026-11-01T00:00:00.000Z' };
const answer = (rules: Parameters<typeof answerRules>[0], known: Facts | undefined = facts) =>
  answerRules(rules, known, at).map((each) => each.answer);

it('an age is reached at the end of the day before the birthday', () => {
  expect(answer({ minimumAge: 18 })).toEqual(['yes']);
  expect(answer({ minimumAge: 18, ageAsOf: japanDay('2026-11-19') })).toEqual(['no']);
});

it('who has once reached an age has it on every later day', () => {
  const days = fc.integer({ min: -8_000, max: 8_000 });
  fc.assert(
    fc.property(days, fc.nat({ max: 4_000 }), fc.integer({ min: 0, max: 30 }), (first, later, minimumAge) => {
      const day = addDays(japanDay('2026-11-20'), first);
      const [before] = answer({ minimumAge, ageAsOf: day });
      const [after] = answer({ minimumAge, ageAsOf: addDays(day, later) });
      expect(before === 'yes' && after === 'no').toBe(false);
    }),
  );
});

it('a prefecture alone answers for prefectures, and nothing for its parts', () => {
  const prefecture = { ...facts, residenceCode: '13' };
  expect(answer({ residencePrefixes: ['13'] }, prefecture)).toEqual(['yes']);
  expect(answer({ residencePrefixes: ['14', '1'] }, prefecture)).toEqual(['yes']);
  expect(answer({ residencePrefixes: ['13101'] }, prefecture)).toEqual(['unknown']);
  expect(answer({ residencePrefixes: ['14'] }, prefecture)).toEqual(['no']);
});

it('facts read before the day that counts are unknown', () => {
  const residentAsOf = japanDay('2026-11-02');
  expect(answer({ residencePrefixes: ['13'], residentAsOf })).toEqual(['unknown']);
  const readAt = new Date(startOfDay(residentAsOf)).toISOString();
  expect(answer({ residencePrefixes: ['13'], residentAsOf }, { ...facts, readAt })).toEqual(['yes']);
});

it('what the card does not tell is unknown', () => {
  const rules = { minimumAge: 15, residencePrefixes: ['13'] };
  expect(answer(rules, { ...facts, birthDate: null, residenceCode: null })).toEqual(['unknown', 'unknown']);
  expect(answerRules(rules, undefined, at)).toEqual([
    { rule: 'age', answer: 'unknown', factReadAt: null },
    { rule: 'residence', answer: 'unknown', factReadAt: null },
  ]);
});
