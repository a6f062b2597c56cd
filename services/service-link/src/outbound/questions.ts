import { type Questions, QuestionUnanswered } from '@tsunagu/service-host';

export interface ProviderFacts {
  readonly providerId: string;
  readonly baseUrl: string;
}

export interface ProgrammeFacts {
  readonly programmeId: string;
  readonly providersPerPerson: 'one' | 'many';
  readonly linkConfirmation: 'none' | 'person';
  /** Whether a person may change the provider after a claim. */
  readonly linkChange: 'never_after_claim' | 'allowed';
  /** Null: everybody's. */
  readonly ownerId: string | null;
}

/** Everybody's programme: one provider a person, no further confirmation (API.md), no change after a claim. */
const defaultProgramme: ProgrammeFacts = {
  programmeId: 'default',
  providersPerPerson: 'one',
  linkConfirmation: 'none',
  linkChange: 'never_after_claim',
  ownerId: null,
};

export function askProvider(questions: Questions, providerId: string): Promise<ProviderFacts | undefined> {
  return questions.ask<ProviderFacts>('exchange-settlement', `providers/${encodeURIComponent(providerId)}`);
}

export async function askProgramme(questions: Questions, programmeId: string): Promise<ProgrammeFacts | undefined> {
  if (programmeId === defaultProgramme.programmeId) return defaultProgramme;
  return questions.ask<ProgrammeFacts>('campaign', `programmes/${encodeURIComponent(programmeId)}`);
}

/** Whether the person has claimed in a programme. Throws where campaign does not answer. */
export async function askClaimed(questions: Questions, programmeId: string, personId: string): Promise<boolean> {
  const path = `programmes/${encodeURIComponent(programmeId)}/claims-of/${personId}`;
  const answer = await questions.ask<{ claimed: boolean }>('campaign', path);
  // A campaign service of an earlier release does not know the question: nothing may be changed on its silence.
  if (!answer) throw new QuestionUnanswered('campaign', 'campaign cannot say whether a person has claimed');
  return answer.claimed;
}

export interface OpenExchange {
  readonly exchangeId: string;
  readonly state: string;
  readonly points: number;
}

/** Exchanges over a link that have not ended: while it is disputed they are held back. */
export async function askOpenExchanges(questions: Questions, linkId: string): Promise<readonly OpenExchange[]> {
  const answer = await questions.ask<{ exchanges: readonly OpenExchange[] }>(
    'exchange-settlement',
    `links/${linkId}/open-exchanges`,
  );
  if (!answer) throw new QuestionUnanswered('exchange-settlement', 'open exchanges of a link cannot be listed');
  return answer.exchanges;
}

/** identity's answer on whether a person is 15; unknown for a person that it does not know. */
export async function askIsFifteen(questions: Questions, personId: string, at: string): Promise<Answer> {
  const question = { personId, rules: { minimumAge: 15 }, at };
  const told = await questions.ask<{ answers: readonly { rule: string; answer: Answer }[] }>(
    'identity',
    'eligibility',
    question,
  );
  return told?.answers.find(({ rule }) => rule === 'age')?.answer ?? 'unknown';
}

type Answer = 'yes' | 'no' | 'unknown';
