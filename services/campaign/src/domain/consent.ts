import type { Answer } from './eligibility.js';

/** Stream `consent-<personId>`: what a person has withdrawn, as identity published it. */
export type ConsentEvent = {
  readonly type: 'WithdrawalNoted';
  readonly data: { readonly personId: string; readonly withdrawnAt: string };
};

export function consentStream(personId: string): string {
  return `consent-${personId}`;
}

/** Up to when what was read of a person is not used any more: the latest withdrawal; null where nothing was withdrawn. */
export function withdrawnUntil(events: readonly ConsentEvent[]): string | null {
  return events.reduce<string | null>(
    (latest, { data: { withdrawnAt } }) => (latest !== null && isUpTo(withdrawnAt, latest) ? latest : withdrawnAt),
    null,
  );
}

/** Whether answers come from facts that were withdrawn. Without rules there are none: nothing was used that could be withdrawn. */
export function restOnWithdrawn(answers: readonly Answer[], withdrawnAt: string | null): boolean {
  return answers.some((answer) => isWithdrawn(answer, withdrawnAt));
}

/** Answers that may be used: what was read before a withdrawal is not known any more. */
export function withoutWithdrawn(answers: readonly Answer[], withdrawnAt: string | null): readonly Answer[] {
  return answers.map((answer) =>
    isWithdrawn(answer, withdrawnAt) ? { rule: answer.rule, answer: 'unknown', factReadAt: null } : answer,
  );
}

/** A fact of which nobody says when it was read may have been read before. */
function isWithdrawn({ factReadAt }: Answer, withdrawnAt: string | null): boolean {
  return withdrawnAt !== null && (factReadAt === null || isUpTo(factReadAt, withdrawnAt));
}

function isUpTo(time: string, limit: string): boolean {
  return Date.parse(time) <= Date.parse(limit);
}
