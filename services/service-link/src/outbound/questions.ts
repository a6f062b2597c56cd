import { errorCode } from '@tsunagu/contracts';
import { ok, type Result, refuse } from '@tsunagu/kernel';
import { type Questions, QuestionUnanswered } from '@tsunagu/service-host';

export interface ProviderFacts {
  readonly providerId: string;
  readonly baseUrl: string;
  /** Owners with a contract; absent in an answer of an earlier release. */
  readonly ownerIds?: readonly string[];
}

export interface ProgrammeFacts {
  readonly programmeId: string;
  readonly providersPerPerson: 'one' | 'many';
  readonly linkConfirmation: 'none' | 'person' | 'proof';
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

/** Whether the person has frozen changes of their links; undefined for a person whom identity does not know. */
export function askStanding(questions: Questions, personId: string): Promise<{ readonly frozen: boolean } | undefined> {
  return questions.ask<{ frozen: boolean }>('identity', `persons/${personId}/standing`);
}

export function askProvider(questions: Questions, providerId: string): Promise<ProviderFacts | undefined> {
  return questions.ask<ProviderFacts>('exchange-settlement', `providers/${encodeURIComponent(providerId)}`);
}

/** Whether an owner has a contract with a provider. Throws where exchange-settlement cannot say. */
export async function askContract(questions: Questions, providerId: string, ownerId: string): Promise<boolean> {
  const provider = await askProvider(questions, providerId);
  if (!provider) return false;
  if (provider.ownerIds) return provider.ownerIds.includes(ownerId);
  throw new QuestionUnanswered('exchange-settlement', 'the contracts of a provider cannot be listed');
}

/** What a provider may call a person; null of somebody who is erased. Throws where identity cannot say. */
export async function askPairwiseId(
  questions: Questions,
  personId: string,
  providerId: string,
): Promise<string | null> {
  const path = `persons/${personId}/pairwise-ids/${encodeURIComponent(providerId)}`;
  const answer = await questions.ask<{ pairwiseId: string | null }>('identity', path);
  // identity knows the person of every link: it is of an earlier release.
  if (!answer) throw new QuestionUnanswered('identity', 'identity cannot say what a provider may call a person');
  return answer.pairwiseId;
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

/** The card's signature over a challenge. */
export interface Proof {
  readonly challengeId: string;
  readonly signature: string;
}

type ProofAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly detail?: string; readonly retryAfterSeconds?: number };

/** Whether the person's card stands behind one act. The challenge is used up by the question. */
export async function askProof(
  questions: Questions,
  act: { readonly personId: string; readonly purpose: string; readonly operation: object; readonly proof: Proof },
): Promise<Result<undefined>> {
  const { proof, ...rest } = act;
  const answer = await questions.ask<ProofAnswer>('identity', 'proofs', { ...rest, ...proof, level: 'signed' });
  if (!answer) throw new QuestionUnanswered('identity', 'identity cannot check proofs');
  if (answer.ok) return ok(undefined);
  const { code, detail, retryAfterSeconds } = answer;
  return refuse(errorCode(code) ? code : 'identity.fresh_proof_required', {
    ...(detail !== undefined && { detail }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
