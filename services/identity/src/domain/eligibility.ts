import { ageAt, type JapanDay, japanDayOf, startOfDay } from '@tsunagu/kernel';

/** What is known of a person. */
export interface Facts {
  /** Null when the card does not tell it fully. */
  readonly birthDate: JapanDay | null;
  /** Municipality code, or a prefecture's two digits; null when undecidable. */
  readonly residenceCode: string | null;
  /** ISO 8601. */
  readonly readAt: string;
}

export interface Rules {
  readonly minimumAge?: number | undefined;
  /** Age at the end of this day; the day of `at` in Japan where absent. */
  readonly ageAsOf?: JapanDay | undefined;
  readonly residencePrefixes?: readonly string[] | undefined;
  /** Only facts read on or after this day in Japan count. */
  readonly residentAsOf?: JapanDay | undefined;
}

export interface RuleAnswer {
  readonly rule: 'age' | 'residence';
  readonly answer: 'yes' | 'no' | 'unknown';
  readonly factReadAt: string | null;
}

/** One answer for each rule asked. Nothing of the facts but when they were read leaves with it. */
export function answerRules(rules: Rules, facts: Facts | undefined, atMs: number): readonly RuleAnswer[] {
  const factReadAt = facts?.readAt ?? null;
  const answers: RuleAnswer[] = [];
  if (rules.minimumAge !== undefined) answers.push({ rule: 'age', answer: answerAge(rules, facts, atMs), factReadAt });
  if (rules.residencePrefixes !== undefined) {
    answers.push({ rule: 'residence', answer: answerResidence(rules, facts), factReadAt });
  }
  return answers;
}

function answerAge(rules: Rules, facts: Facts | undefined, atMs: number): RuleAnswer['answer'] {
  if (!facts?.birthDate || rules.minimumAge === undefined) return 'unknown';
  const age = ageAt(facts.birthDate, rules.ageAsOf ?? japanDayOf(atMs));
  return age >= rules.minimumAge ? 'yes' : 'no';
}

function answerResidence(rules: Rules, facts: Facts | undefined): RuleAnswer['answer'] {
  const code = facts?.residenceCode;
  if (!facts || !code) return 'unknown';
  if (rules.residentAsOf !== undefined && Date.parse(facts.readAt) < startOfDay(rules.residentAsOf)) return 'unknown';
  const prefixes = rules.residencePrefixes ?? [];
  if (prefixes.some((prefix) => code.startsWith(prefix))) return 'yes';
  // Only the prefecture is decided, and the rule asks for a part of it.
  return prefixes.some((prefix) => prefix.startsWith(code)) ? 'unknown' : 'no';
}
