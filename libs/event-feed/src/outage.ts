/**
 * SQLSTATEs that say "not now" rather than "not this message": connection (08), operator intervention (57P), out of
 * resources (53), system error (58), serialization and deadlock, read-only, lock and statement time-outs.
 */
const OUTAGE_SQLSTATE = /^(08\w{3}|57P\w{2}|53\w{3}|58\w{3}|40001|40P01|25006|55P03|57014)$/;
const OUTAGE_CODE =
  /^(ECONN\w*|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|EADDRNOTAVAIL|UND_ERR_\w+|store\.unavailable|store\.outcome_unknown)$/;
const OUTAGE_NAME = /^(QuestionUnanswered|TimeoutError|AbortError|FeedInterrupted|KafkaJS\w+)$/;
/** What `pg` throws without a code when a connection is cut or the pool cannot give one. */
const PG_MESSAGE =
  /^(Connection terminated|Connection ended|timeout e\w+ |timeout expired|Query read timeout|Client (was closed|has encountered a connection error)|Cannot use a pool after|The server closed|server closed the connection)/i;

/** A pause of the feed's own making: tried again like any outage. */
export class FeedInterrupted extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FeedInterrupted';
  }
}

/** The parts of an error that matter here. Judged by shape: errors of Node's own making come from another realm under jest. */
interface ErrorLike {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly stack?: unknown;
}

/** Whether an error, or one that caused it, says that something is not available now, so that the same work may succeed later. */
export function isOutage(error: unknown): boolean {
  return isOutageWithin(error, 8);
}

function isOutageWithin(error: unknown, depth: number): boolean {
  if (depth === 0 || !isErrorLike(error)) return false;
  const code = codeOf(error);
  return (
    OUTAGE_NAME.test(error.name) ||
    PG_MESSAGE.test(error.message) ||
    (code !== undefined && (OUTAGE_SQLSTATE.test(code) || OUTAGE_CODE.test(code))) ||
    isOutageWithin(error.cause, depth - 1) ||
    (Array.isArray(error.errors) && error.errors.some((one) => isOutageWithin(one, depth - 1)))
  );
}

/** What may be stored and logged of an error: class, code and where it came from. Never its message, which may carry personal data. */
export function errorFacts(error: unknown): { class: string; code: string | null; at: string | null } {
  if (!isErrorLike(error)) return { class: typeof error, code: null, at: null };
  const code = codeOf(error) ?? (isErrorLike(error.cause) ? codeOf(error.cause) : undefined);
  const frames = String(error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 3)
    .map((line) => line.trim());
  return {
    class: error.name.slice(0, 100),
    code: code !== undefined && /^[\w.:-]{1,60}$/.test(code) ? code : null,
    at: frames.length > 0 ? frames.join(' < ') : null,
  };
}

function isErrorLike(error: unknown): error is ErrorLike {
  if (typeof error !== 'object' || error === null) return false;
  const { name, message } = error as Partial<ErrorLike>;
  return typeof name === 'string' && typeof message === 'string';
}

function codeOf(error: ErrorLike): string | undefined {
  return typeof error.code === 'string' ? error.code : undefined;
}
