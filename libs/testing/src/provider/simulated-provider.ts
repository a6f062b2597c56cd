import { createHash, type KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@tsunagu/kernel';
import { verifySignature } from '@tsunagu/provider-client';
import type { Pool } from 'pg';
import { AuthorizationPage, BadVisit, visitConfirmation } from './authorization-page.js';
import { type Credit, CreditBook, type CreditOrder, type FaultMode, faultModes } from './credit-book.js';

export interface SimulatedProviderOptions {
  /** Any database; the provider makes and uses the schema `sim_pay`. */
  readonly pool: Pool;
  readonly clock: Clock;
  /** The platform's provider-signing key of this kid, from its JWKS. */
  readonly publicKey: (kid: string) => KeyObject | undefined | Promise<KeyObject | undefined>;
}

const bodyBytesMax = 16_384;
const ledgerPage = 200;

/**
 * A provider that behaves as API.md says a provider may: credits each exchangeId at most once, remembers it for good, and misbehaves
 * on demand. `handle` takes calls at any base path: what counts is the path's end (`/tsunagu/v1/…`, `/ledger`, `/faults`).
 * Faults concern `POST credits` only, so that every other call tells the truth; with `no_return` the page keeps the browser.
 */
export class SimulatedProvider {
  private constructor(
    private readonly book: CreditBook,
    private readonly options: SimulatedProviderOptions,
  ) {}

  static async open(options: SimulatedProviderOptions): Promise<SimulatedProvider> {
    return new SimulatedProvider(await CreditBook.open(options.pool, options.clock), options);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.route(request, response);
    } catch (error) {
      if (!response.headersSent)
        answer(response, error instanceof BadRequest || error instanceof BadVisit ? 400 : 500, { error: 'request' });
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'provider'}`);
    const { pathname } = url;
    if (request.method === 'PUT' && pathname.endsWith('/faults')) {
      await this.setFaults(parsed(await bodyOf(request)));
      return void response.writeHead(204).end();
    }
    if (request.method === 'GET' && pathname.endsWith('/ledger')) {
      return this.answerLedger(url.searchParams.get('cursor') ?? '0', response);
    }
    const [, call = ''] = /(\/tsunagu\/v1\/.*)$/.exec(pathname) ?? [];
    const body = await bodyOf(request);
    if (call === '/tsunagu/v1/authorize') {
      return new AuthorizationPage(this.book).handle(request.method ?? '', url, body.toString('utf8'), response);
    }
    if (!(await this.isSigned(request, url, body))) return answer(response, 401, { error: 'signature' });
    if (request.method === 'POST' && call === '/tsunagu/v1/account-confirmations') {
      return answer(response, 200, confirmation(parsed(body)));
    }
    const [, visited] = /^\/tsunagu\/v1\/account-authorizations(?:\/([\w-]{1,100}))?$/.exec(call) ?? [];
    if (request.method === 'POST' && call === '/tsunagu/v1/account-authorizations') {
      const exchange = parsed(body);
      const visit = await this.book.visitOf(String(exchange.linkId));
      return answer(response, 200, visitConfirmation(visit, exchange, confirmedAccount));
    }
    if (request.method === 'GET' && visited !== undefined) {
      const visit = await this.book.visitOf(visited);
      if (!visit) return answer(response, 404, { error: 'not_seen' });
      const { account, codeChallenge } = visit;
      return answer(response, 200, { ...confirmedAccount(account), codeChallenge });
    }
    if (request.method === 'POST' && call === '/tsunagu/v1/credits') {
      return this.credit(creditOrder(parsed(body), request.headers['idempotency-key']), response);
    }
    const [, exchangeId, cancellation] = /^\/tsunagu\/v1\/credits\/([\w-]{1,100})(\/cancellations)?$/.exec(call) ?? [];
    if (exchangeId !== undefined && request.method === (cancellation ? 'POST' : 'GET')) {
      const credit = cancellation ? await this.book.cancel(exchangeId) : await this.book.inquire(exchangeId);
      return credit ? answerCredit(response, credit) : answer(response, 404, { error: 'not_seen' });
    }
    return answer(response, 404, { error: 'path' });
  }

  private async credit(order: CreditOrder, response: ServerResponse): Promise<void> {
    const { mode, share } = await this.book.faults();
    const fault: FaultMode = Math.random() < share ? mode : 'none';
    if (fault === 'error') return answer(response, 500, { error: 'internal' });
    // The caller gives up; nothing was taken in.
    if (fault === 'timeout') return;
    const first = ({ reject: 'rejected', pending: 'pending', late: 'late' } as const)[fault as string] ?? 'credited';
    const credit = await this.book.order(order, first);
    if (fault === 'credit_then_drop' || credit?.state === 'late') return void response.destroy();
    if (!credit) return answer(response, 422, { error: 'differs_from_first' });
    return answerCredit(response, credit);
  }

  private async isSigned(request: IncomingMessage, url: URL, body: Buffer): Promise<boolean> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    const signed = { method: request.method ?? '', url: url.href, headers };
    if (!(await verifySignature(signed, body, this.options.publicKey))) return false;
    const nonce = /;nonce="([^"]{8,200})"/.exec(headers['signature-input'] ?? '')?.[1];
    return nonce !== undefined && (await this.book.useNonce(nonce));
  }

  private async answerLedger(cursor: string, response: ServerResponse): Promise<void> {
    if (!/^\d{1,15}$/.test(cursor)) throw new BadRequest();
    const { credits, totals, last } = await this.book.ledger(Number(cursor), ledgerPage);
    answer(response, 200, { credits, totals, ...(credits.length === ledgerPage && { nextCursor: String(last) }) });
  }

  private async setFaults(body: Record<string, unknown>): Promise<void> {
    const mode = faultModes.find((known) => known === body.mode);
    const share = body.share ?? 1;
    if (!mode || typeof share !== 'number' || share < 0 || share > 1) throw new BadRequest();
    await this.book.setFaults({ mode, share });
  }
}

class BadRequest extends Error {}

/** Any account of 4–32 digits is known here; its security code is its last four digits. */
function confirmation(body: Record<string, unknown>): Record<string, unknown> {
  const { linkId, providerAccountId: account, securityCode } = body;
  if (typeof linkId !== 'string') throw new BadRequest();
  if (typeof account !== 'string' || !/^\d{4,32}$/.test(account) || securityCode !== account.slice(-4)) {
    return { confirmed: false, reasonCode: 'security_code_wrong' };
  }
  return confirmedAccount(account);
}

/** Null: the person said no on the provider's page. */
function confirmedAccount(account: string | null): Record<string, unknown> {
  if (account === null) return { confirmed: false, reasonCode: 'denied_by_person' };
  return { confirmed: true, providerAccountRef: simulatedReference(account), maskedName: simulatedMaskedName };
}

/** What this provider calls an account of its. */
export function simulatedReference(account: string): string {
  return `sp-${createHash('sha256').update(`sim-pay ${account}`).digest('hex').slice(0, 24)}`;
}

/** Of every holder. */
export const simulatedMaskedName = '試＊ 見＊';

function creditOrder(body: Record<string, unknown>, idempotencyKey: unknown): CreditOrder {
  const { exchangeId, providerAccountRef, points, providerPoints, requestedAt } = body;
  if (
    typeof exchangeId !== 'string' ||
    !/^[\w-]{1,100}$/.test(exchangeId) ||
    exchangeId !== idempotencyKey ||
    typeof providerAccountRef !== 'string' ||
    !/^sp-[0-9a-f]{24}$/.test(providerAccountRef) ||
    !isCount(points) ||
    !isCount(providerPoints) ||
    typeof requestedAt !== 'string'
  ) {
    throw new BadRequest();
  }
  return { exchangeId, providerAccountRef, points, providerPoints, requestedAt };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function answerCredit(response: ServerResponse, credit: Credit): void {
  const { state, providerReference, creditedAt } = credit;
  if (state === 'credited') answer(response, 200, { state, providerReference, creditedAt });
  else if (state === 'rejected') answer(response, 200, { state, reasonCode: 'declined' });
  else if (state === 'cancelled') answer(response, 200, { state });
  else answer(response, 202, { state: 'pending' });
}

function answer(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new BadRequest();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through to the one answer for every body that is no JSON object.
  }
  throw new BadRequest();
}
