import { Buffer } from 'node:buffer';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import pLimit from 'p-limit';
import { type ProviderKey, signedHeaders } from './signature.js';
import { baseUrlFault, pinnedAddress, type TargetRules } from './target.js';

export interface ProviderCall {
  readonly method: 'GET' | 'POST';
  /** The provider's registered base URL. */
  readonly baseUrl: string;
  /** Below the base URL, such as `/tsunagu/v1/credits`. */
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** An answer that could be read, or why there is none. What it means for the business is the caller's to say. */
export type ProviderAnswer =
  | { readonly answered: true; readonly status: number; readonly json: unknown }
  | {
      readonly answered: false;
      readonly why: 'target_refused' | 'timeout' | 'connection' | 'too_large' | 'unreadable';
    };

export interface ProviderCalls {
  call(call: ProviderCall): Promise<ProviderAnswer>;
}

export interface ProviderClientOptions extends TargetRules {
  /** Asked for each call, so that a rotation is followed. */
  readonly key: () => Promise<ProviderKey>;
  /** What the signatures are for, `tsunagu-provider` where nothing else is said. */
  readonly tag?: string;
  /** Real time. Defaults 2 s to connect, 5 s in all. */
  readonly connectTimeoutMs?: number;
  readonly timeoutMs?: number;
  /** Calls to one provider at the same moment; the others wait their turn, their time not yet running. Default 16. */
  readonly callsMax?: number;
}

const answerBytesMax = 64 * 1024;

/** Signed calls to providers: allowed hosts and addresses only, no redirects, bounded time and size. Never throws for what the other side does. */
export class ProviderClient implements ProviderCalls {
  readonly #turns = new Map<string, ReturnType<typeof pLimit>>();

  constructor(private readonly options: ProviderClientOptions) {}

  async call(call: ProviderCall): Promise<ProviderAnswer> {
    if (baseUrlFault(call.baseUrl, this.options)) return { answered: false, why: 'target_refused' };
    const turns = this.#turns.get(call.baseUrl) ?? pLimit(this.options.callsMax ?? 16);
    this.#turns.set(call.baseUrl, turns);
    return turns(() => this.#signAndSend(call));
  }

  async #signAndSend(call: ProviderCall): Promise<ProviderAnswer> {
    const url = new URL(call.baseUrl.replace(/\/+$/, '') + call.path);
    const deadline = Date.now() + (this.options.timeoutMs ?? 5_000);
    let pinned: Awaited<ReturnType<typeof pinnedAddress>>;
    try {
      pinned = await withinMs(pinnedAddress(url.hostname, this.options), this.options.connectTimeoutMs ?? 2_000);
    } catch {
      return { answered: false, why: 'connection' };
    }
    if (!pinned) return { answered: false, why: 'target_refused' };

    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const given: Record<string, string> = { accept: 'application/json' };
    if (body) given['content-type'] = 'application/json';
    if (call.idempotencyKey !== undefined) given['idempotency-key'] = call.idempotencyKey;
    const headers = await signedHeaders(
      await this.options.key(),
      { method: call.method, url: url.href, headers: given },
      body,
      this.options.tag,
    );
    if (body) headers['content-length'] = String(body.length);
    return this.#exchange(url, { method: call.method, headers, ...pinnedLookup(pinned) }, body, deadline);
  }

  #exchange(url: URL, options: RequestOptions, body: Buffer | undefined, deadline: number): Promise<ProviderAnswer> {
    return new Promise((resolve) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { ...options, agent: false });
      const timers = [
        setTimeout(() => finish({ answered: false, why: 'timeout' }), Math.max(deadline - Date.now(), 1)),
        setTimeout(() => finish({ answered: false, why: 'timeout' }), this.options.connectTimeoutMs ?? 2_000),
      ] as const;
      const finish = (answer: ProviderAnswer) => {
        for (const timer of timers) clearTimeout(timer);
        resolve(answer);
        request.destroy();
      };
      const ready = url.protocol === 'https:' ? 'secureConnect' : 'connect';
      request.on('socket', (socket) => socket.once(ready, () => clearTimeout(timers[1])));
      request.on('error', () => finish({ answered: false, why: 'connection' }));
      request.on('response', (response) => readAnswer(response, finish));
      request.end(body);
    });
  }
}

function readAnswer(response: IncomingMessage, finish: (answer: ProviderAnswer) => void): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  response.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > answerBytesMax) finish({ answered: false, why: 'too_large' });
    else parts.push(part);
  });
  response.on('error', () => finish({ answered: false, why: 'connection' }));
  response.on('close', () => {
    // Cut off before its end: even a prefix that parses says nothing.
    if (!response.complete) finish({ answered: false, why: 'connection' });
  });
  response.on('end', () => {
    if (!response.complete) return finish({ answered: false, why: 'connection' });
    const status = response.statusCode ?? 0;
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
      finish({ answered: true, status, json: text === '' ? null : JSON.parse(text) });
    } catch {
      // A status alone is an answer (a 404 or a 503 page), a 2xx with an unreadable body is not.
      if (status >= 200 && status < 300) finish({ answered: false, why: 'unreadable' });
      else finish({ answered: true, status, json: null });
    }
  });
}

/** Connects to the address that was checked; the name stays for Host, certificate and signature. */
function pinnedLookup(pinned: { address: string; family: 4 | 6 }): RequestOptions {
  return {
    lookup: (_hostname, options, done) => {
      if (options.all) done(null, [pinned]);
      else done(null, pinned.address, pinned.family);
    },
  };
}

async function withinMs<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
