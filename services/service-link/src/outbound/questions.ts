import type { Questions } from '@tsunagu/service-host';

export interface ProviderFacts {
  readonly providerId: string;
  readonly baseUrl: string;
}

export interface ProgrammeFacts {
  readonly programmeId: string;
  readonly providersPerPerson: 'one' | 'many';
  readonly linkConfirmation: 'none' | 'person';
}

/** Everybody's programme: one provider a person, no further confirmation (API.md). */
const defaultProgramme: ProgrammeFacts = {
  programmeId: 'default',
  providersPerPerson: 'one',
  linkConfirmation: 'none',
};

/** Whether the person has frozen changes of their links; undefined for a person whom identity does not know. */
export function askStanding(questions: Questions, personId: string): Promise<{ readonly frozen: boolean } | undefined> {
  return questions.ask<{ frozen: boolean }>('identity', `persons/${personId}/standing`);
}

export function askProvider(questions: Questions, providerId: string): Promise<ProviderFacts | undefined> {
  return questions.ask<ProviderFacts>('exchange-settlement', `providers/${encodeURIComponent(providerId)}`);
}

export async function askProgramme(questions: Questions, programmeId: string): Promise<ProgrammeFacts | undefined> {
  if (programmeId === defaultProgramme.programmeId) return defaultProgramme;
  return questions.ask<ProgrammeFacts>('campaign', `programmes/${encodeURIComponent(programmeId)}`);
}
