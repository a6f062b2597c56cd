import type { ProviderCalls } from '@tsunagu/provider-client';
import type { LinkAccount, LinkSecrets } from './link-vault.js';

export type AccountConfirmation =
  | { readonly kind: 'confirmed'; readonly account: LinkAccount }
  | { readonly kind: 'denied'; readonly reasonCode: string }
  | { readonly kind: 'none'; readonly why: string };

/** Asks the provider whether account and code belong together. What cannot be read as yes or no is `none`: asked again later. */
export async function confirmAccount(
  calls: ProviderCalls,
  baseUrl: string,
  linkId: string,
  secrets: LinkSecrets,
): Promise<AccountConfirmation> {
  const answer = await calls.call({
    method: 'POST',
    baseUrl,
    path: '/tsunagu/v1/account-confirmations',
    body: { linkId, ...secrets },
  });
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
