import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { CreditBook, Visit } from './credit-book.js';

export class BadVisit extends Error {}

/** The simulated provider's own page: choose an account of 4 to 32 digits or say no, then back with a code or an error. */
export class AuthorizationPage {
  constructor(private readonly book: CreditBook) {}

  async handle(method: string, url: URL, form: string, response: ServerResponse): Promise<void> {
    const { state, ...wish } = wishOf(url.searchParams);
    if (method !== 'POST') return page(response, choice);
    const answers = new URLSearchParams(form);
    const account = answers.get('answer') === 'deny' ? null : (answers.get('account') ?? '');
    if (account !== null && !/^\d{4,32}$/.test(account)) throw new BadVisit();
    const kept = await this.book.visit({ ...wish, account, code: randomBytes(24).toString('base64url') });
    if (kept.codeChallenge !== wish.codeChallenge || kept.redirectUri !== wish.redirectUri) throw new BadVisit();
    if ((await this.book.faults()).mode === 'no_return') return page(response, '<p>Done.</p>');
    const back = new URL(wish.redirectUri);
    back.searchParams.set('state', state);
    if (kept.account === null) back.searchParams.set('error', 'access_denied');
    else back.searchParams.set('code', kept.code);
    response.writeHead(303, { location: back.href }).end();
  }
}

/** The same exchange again gets the same answer; anything else about it that differs gets a no. */
export function visitConfirmation(
  visit: Visit | undefined,
  { code, codeVerifier, redirectUri }: Record<string, unknown>,
  confirmed: (account: string | null) => Record<string, unknown>,
): Record<string, unknown> {
  const challenge = createHash('sha256').update(String(codeVerifier)).digest('base64url');
  const isRight = visit?.code === code && visit?.codeChallenge === challenge && visit?.redirectUri === redirectUri;
  return visit && isRight ? confirmed(visit.account) : { confirmed: false, reasonCode: 'code_not_accepted' };
}

function wishOf(query: URLSearchParams) {
  const [linkId, state, codeChallenge, redirectUri] = ['link_id', 'state', 'code_challenge', 'redirect_uri'].map(
    (name) => query.get(name) ?? '',
  );
  const isKnown = query.get('response_type') === 'code' && query.get('code_challenge_method') === 'S256';
  if (!isKnown || !linkId || !state || !codeChallenge || !redirectUri || !/^https?:/.test(redirectUri))
    throw new BadVisit();
  return { linkId, state, codeChallenge, redirectUri };
}

function page(response: ServerResponse, body: string): void {
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(`<!doctype html><html lang="en"><title>Sim Pay</title>${body}</html>`);
}

/** Sent to the address that it was read from, query included. */
const choice = `<form method="post">
<label>Account number <input name="account" inputmode="numeric" pattern="[0-9]{4,32}"></label>
<button name="answer" value="allow">Link this account</button>
<button name="answer" value="deny" formnovalidate>No</button>
</form>`;
