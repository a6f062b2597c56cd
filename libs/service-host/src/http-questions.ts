import { Agent, type IncomingMessage, request } from 'node:http';
import type { ServiceName } from '@tsunagu/contracts';
import type { Clock } from '@tsunagu/kernel';
import { signAccessToken } from './access-token.js';
import type { SigningKey } from './keyring.js';
import { type Questions, QuestionUnanswered } from './questions.js';

/** A burst on a small machine is answered late rather than with an error; a service that is down refuses the connection at once. */
const TIMEOUT_MS = 10_000;
const TOKEN_TTL_SECONDS = 300;
/** A token is made anew this long before it runs out. */
const TOKEN_MARGIN_SECONDS = 60;
/** Longer answers are cut off: a full page of a log stays well below. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const CONNECTIONS_MAX = 64;

export interface HttpQuestionsOptions {
  /** The asking service: its key's use is `service-<name>`. */
  readonly name: ServiceName;
  /** Asked for each token, so that a rotation is followed. */
  readonly key: () => Promise<SigningKey>;
  readonly clock: Clock;
  /** Base URL of each service's internal port, without a path. */
  readonly services: Readonly<Partial<Record<ServiceName, string>>>;
}

/** Questions over HTTP/1.1 on kept-alive connections. Equal GETs in flight share one request. */
export class HttpQuestions implements Questions {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  private readonly inFlight = new Map<string, Promise<unknown>>();
  private readonly closing = new AbortController();
  private token: Promise<string> | undefined;
  private tokenMadeAtMs = 0;

  constructor(private readonly options: HttpQuestionsOptions) {}

  async ask<T>(
    service: ServiceName,
    path: string,
    body?: unknown,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<T | undefined> {
    const base = this.options.services[service];
    if (!base) throw new QuestionUnanswered(service, `no address of ${service} is set`);
    const url = new URL(`/${service}/internal/v1/${path}`, base);
    if (body !== undefined || options.signal) return (await this.send(service, url, body, options)) as T | undefined;
    const running = this.inFlight.get(url.href);
    if (running) return (await running) as T | undefined;
    const asked = this.send(service, url, undefined, options).finally(() => this.inFlight.delete(url.href));
    this.inFlight.set(url.href, asked);
    return (await asked) as T | undefined;
  }

  /** Breaks off what is being asked and closes the connections. */
  close(): void {
    this.closing.abort();
    this.agent.destroy();
  }

  private async send(
    service: ServiceName,
    url: URL,
    body: unknown,
    { timeoutMs = TIMEOUT_MS, signal }: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<unknown> {
    const signals = [AbortSignal.timeout(timeoutMs), this.closing.signal, ...(signal ? [signal] : [])];
    try {
      const ask = { url, token: await this.currentToken(), body, agent: this.agent, signal: AbortSignal.any(signals) };
      const { status, text } = await exchange(ask);
      if (status === 404) return undefined;
      if (status < 200 || status > 299) throw new Error(`answered with status ${status}`);
      return text === '' ? undefined : JSON.parse(text);
    } catch (error) {
      throw new QuestionUnanswered(service, `${service} did not answer a question`, { cause: error });
    }
  }

  private currentToken(): Promise<string> {
    const { name, key, clock } = this.options;
    const now = clock.now();
    const age = now - this.tokenMadeAtMs;
    if (!this.token || age < 0 || age > (TOKEN_TTL_SECONDS - TOKEN_MARGIN_SECONDS) * 1_000) {
      this.tokenMadeAtMs = now;
      const made = key().then((signingKey) =>
        signAccessToken(signingKey, { subject: name, role: 'service', ttlSeconds: TOKEN_TTL_SECONDS }, clock),
      );
      made.catch(() => {
        this.token = undefined;
      });
      this.token = made;
    }
    return this.token;
  }
}

interface Exchange {
  readonly url: URL;
  readonly token: string;
  readonly body: unknown;
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

function exchange(ask: Exchange): Promise<{ status: number; text: string }> {
  const { url, token, body, agent, signal } = ask;
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const call = request(url, {
      agent,
      signal,
      method: payload ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
      },
    });
    call.on('error', (error: Error & { code?: string }) => {
      // A kept-alive connection that the other side closed meanwhile: a question is read-only, so it is simply asked again.
      if (call.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) resolve(exchange(ask));
      else reject(error);
    });
    call.on('response', (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) answer.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    call.end(payload);
  });
}
