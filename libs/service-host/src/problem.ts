import { errorCode } from '@tsunagu/contracts';
import type { Refusal, Result } from '@tsunagu/kernel';

/** A refusal on its way out of a controller: becomes `application/problem+json` (RFC 9457). Rules return values and never throw this. */
export class Problem extends Error {
  readonly status: number;
  constructor(readonly refusal: Refusal) {
    super(refusal.detail ?? refusal.code);
    this.name = 'Problem';
    const known = errorCode(refusal.code);
    if (!known) throw new Error(`${refusal.code} is not in the error catalogue`);
    this.status = known.status;
  }
}

/** The value, or the refusal thrown as a Problem. For controllers only. */
export function valueOrProblem<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Problem(result.refusal);
}

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Seconds to wait when a 429 or 503 says nothing else; up to as much again is added, so that callers do not return together. */
const RETRY_AFTER_SECONDS = 2;
/** Nobody who is told to come back in a day has to wait for two. */
const JITTER_SECONDS_MAX = 60;

/** A refusal as RFC 9457 wants it, in English or Japanese by the caller's Accept-Language. */
export function problemAnswer(refusal: Refusal, traceId: string, acceptLanguage: string | undefined): ProblemAnswer {
  const known = errorCode(refusal.code);
  if (!known) throw new Error(`${refusal.code} is not in the error catalogue`);
  const language = prefersJapanese(acceptLanguage) ? 'ja' : 'en';
  const busy = known.status === 429 || known.status === 503;
  const least = refusal.retryAfterSeconds ?? (busy ? RETRY_AFTER_SECONDS : undefined);
  const retryAfterSeconds = least !== undefined && busy ? least + jitterSeconds(least) : least;
  return {
    status: known.status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'content-language': language,
      'cache-control': 'no-store',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    },
    body: {
      ...refusal.extensions,
      type: `urn:tsunagu:problem:${refusal.code}`,
      title: known.title[language],
      status: known.status,
      detail: refusal.detail ?? known.next[language],
      code: refusal.code,
      traceId,
      next: known.next[language],
      ...(refusal.errors ? { errors: refusal.errors } : {}),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  };
}

function jitterSeconds(leastSeconds: number): number {
  return Math.round(Math.random() * Math.min(leastSeconds, JITTER_SECONDS_MAX));
}

function prefersJapanese(header: string | undefined): boolean {
  if (!header || header.length > 500) return false;
  let best = { language: 'en', quality: 0 };
  for (const part of header.toLowerCase().split(',')) {
    const [tag = '', ...parameters] = part.split(';').map((each) => each.trim());
    const language = tag.split('-')[0] ?? '';
    const given = parameters.find((each) => each.startsWith('q='));
    const quality = given ? Number(given.slice(2)) : 1;
    if ((language === 'ja' || language === 'en') && quality > best.quality) best = { language, quality };
  }
  return best.language === 'ja';
}
