import type { ProviderAnswer, ProviderCalls } from '@tsunagu/provider-client';
import type { CreditAnswer } from '../domain/exchange.js';

/** The same at every sending: the provider knows the credit by its exchangeId. */
export interface Credit {
  readonly exchangeId: string;
  readonly providerAccountRef: string;
  readonly points: number;
  readonly providerPoints: number;
  readonly requestedAt: string;
}

export async function sendCredit(calls: ProviderCalls, baseUrl: string, credit: Credit): Promise<CreditAnswer> {
  const path = '/tsunagu/v1/credits';
  return creditAnswer(
    await calls.call({ method: 'POST', baseUrl, path, body: credit, idempotencyKey: credit.exchangeId }),
  );
}

export async function inquire(calls: ProviderCalls, baseUrl: string, exchangeId: string): Promise<CreditAnswer> {
  const answer = await calls.call({ method: 'GET', baseUrl, path: `/tsunagu/v1/credits/${exchangeId}` });
  if (answer.answered && answer.status === 404) return { kind: 'not_seen' };
  return creditAnswer(answer);
}

/** Only what is plainly one of the three answers of the contract is one; all else leaves the outcome unknown. */
export function creditAnswer(answer: ProviderAnswer): CreditAnswer {
  if (!answer.answered) return { kind: 'unknown', why: answer.why };
  const { state, providerReference, creditedAt, reasonCode } = fieldsOf(answer.json);
  if ((answer.status === 200 || answer.status === 202) && state === 'pending') return { kind: 'pending' };
  if (answer.status !== 200) return { kind: 'unknown', why: `status_${answer.status}` };
  if (state === 'rejected') return { kind: 'rejected', reasonCode: knownForm(reasonCode) };
  if (state === 'credited' && isReference(providerReference) && isInstant(creditedAt))
    return { kind: 'credited', providerReference, creditedAt: new Date(creditedAt).toISOString() };
  return { kind: 'unknown', why: 'unreadable' };
}

function knownForm(reasonCode: unknown): string {
  return typeof reasonCode === 'string' && /^[a-z][a-z_]{0,63}$/.test(reasonCode) ? reasonCode : 'provider_rejected';
}

function isReference(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,100}$/.test(value);
}

function isInstant(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 40 && !Number.isNaN(Date.parse(value));
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
}
