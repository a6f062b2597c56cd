import type { ProviderAnswer, ProviderCalls } from '@tsunagu/provider-client';
import { type Authorization, codeChallenge } from './authorization.js';
import type { LinkAccount, TypedSecrets } from './link-vault.js';

export type AccountConfirmation =
  | { readonly kind: 'confirmed'; readonly account: LinkAccount }
  | { readonly kind: 'denied'; readonly reasonCode: string }
  | { readonly kind: 'none'; readonly why: string };

/** Asks the provider whether account and code belong together. What cannot be read as yes or no is `none`: asked again later. */
export async function confirmAccount(
  calls: ProviderCalls,
  baseUrl: string,
  linkId: string,
  { providerAccountId, securityCode }: TypedSecrets,
): Promise<AccountConfirmation> {
  const answer = await calls.call({
    method: 'POST',
    baseUrl,
    path: '/tsunagu/v1/account-confirmations',
    body: { linkId, providerAccountId, securityCode },
  });
  return readConfirmation(answer);
}

/**
 * What came of the person's visit to the provider's page: with the code that it sent back, else by the link alone. Only a visit
 * that began with this link's own challenge counts: anybody may open the page with the id of a link.
 */
export async function confirmVisit(
  calls: ProviderCalls,
  baseUrl: string,
  linkId: string,
  { code, codeVerifier, redirectUri }: Authorization,
): Promise<AccountConfirmation> {
  const path = '/tsunagu/v1/account-authorizations';
  if (code !== undefined) {
    const body = { linkId, code, codeVerifier, redirectUri };
    return readConfirmation(await calls.call({ method: 'POST', baseUrl, path, body }));
  }
  const answer = await calls.call({ method: 'GET', baseUrl, path: `${path}/${linkId}` });
  if (answer.answered && answer.status === 404) return { kind: 'none', why: notFinished };
  const isOwn = answer.answered && fieldsOf(answer.json).codeChallenge === codeChallenge(codeVerifier);
  return isOwn ? readConfirmation(answer) : { kind: 'none', why: answer.answered ? 'not_this_visit' : answer.why };
}

/** The provider knows of no visit that has ended. */
export const notFinished = 'not_finished';

function readConfirmation(answer: ProviderAnswer): AccountConfirmation {
  if (!answer.answered) return { kind: 'none', why: answer.why };
  if (answer.status !== 200) return { kind: 'none', why: `status_${answer.status}` };
  const { confirmed, providerAccountRef, maskedName, reasonCode } = fieldsOf(answer.json);
  if (confirmed === true && isText(providerAccountRef, 200)) {
    return { kind: 'confirmed', account: { providerAccountRef, ...(isText(maskedName, 100) && { maskedName }) } };
  }
  if (confirmed === false) return { kind: 'denied', reasonCode: knownForm(reasonCode) };
  return { kind: 'none', why: 'unreadable' };
}

/** A provider's reason is shown and recorded only where it looks like one. */
function knownForm(reasonCode: unknown): string {
  return typeof reasonCode === 'string' && /^[a-z][a-z_]{0,63}$/.test(reasonCode) ? reasonCode : 'provider_refused';
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= lengthMax && !/[\p{Cc}\p{Cs}]/u.test(value);
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
}
