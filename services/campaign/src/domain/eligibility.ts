import type { DataOf } from '@tsunagu/contracts';
import type { FieldError } from '@tsunagu/kernel';

/** What a person must be to claim. Only identity knows the facts; this service sees answers. */
export interface Eligibility {
  readonly minimumAge?: number;
  /** YYYY-MM-DD: age at the end of this day in Japan; the day of the claim where absent. */
  readonly ageAsOf?: string;
  /** Beginnings of municipality codes, one of which must fit. */
  readonly residencePrefixes?: readonly string[];
  /** YYYY-MM-DD: only facts read on or after this day count. */
  readonly residentAsOf?: string;
}

export type Answer = DataOf<'ClaimAccepted'>['answers'][number];
export type Rule = Answer['rule'];

/** The rules that have to be asked for; none means no question. */
export function rulesOf(eligibility: Eligibility | null): readonly Rule[] {
  const rules: Rule[] = [];
  if (eligibility?.minimumAge !== undefined) rules.push('age');
  if (eligibility?.residencePrefixes !== undefined) rules.push('residence');
  return rules;
}

/** The answers that count, one a rule in a fixed order: what was not answered is unknown, which is not the same as no. */
export function answersFor(eligibility: Eligibility | null, answers: readonly Answer[]): readonly Answer[] {
  return rulesOf(eligibility).map((rule) => {
    const given = answers.find((answer) => answer.rule === rule);
    return { rule, answer: given?.answer ?? 'unknown', factReadAt: given?.factReadAt ?? null };
  });
}

/** Why a person may not claim; empty when every rule was answered yes. */
export function decideEligibility(eligibility: Eligibility | null, answers: readonly Answer[]): readonly FieldError[] {
  return answersFor(eligibility, answers)
    .filter(({ answer }) => answer !== 'yes')
    .map(({ rule, answer }) => (answer === 'unknown' ? unknown[rule] : failed[rule]));
}

const unknown: Readonly<Record<Rule, FieldError>> = {
  age: { field: 'age', code: 'unknown', message: 'The age is not known: let the attributes be read from the card.' },
  residence: {
    field: 'residence',
    code: 'unknown',
    message: 'The place of residence is not known as of the day required: let the attributes be read from the card.',
  },
};

const failed: Readonly<Record<Rule, FieldError>> = {
  age: { field: 'age', code: 'below_minimum', message: 'The age is below the minimum of this measure.' },
  residence: { field: 'residence', code: 'outside', message: 'The place of residence is outside the area.' },
};
