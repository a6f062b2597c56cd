import { randomUUID } from 'node:crypto';
import { UserError } from './settings.js';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T;
}

/** The platform's HTTP API as an outside client calls it: used by the demo and the checks. */
export class ApiClient {
  constructor(readonly baseUrl: string) {}

  /** Sends JSON; a POST carries a fresh Idempotency-Key unless one is given. Throws UserError when nobody answers. */
  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    options: { token?: string; body?: unknown; idempotencyKey?: string; prefer?: string } = {},
  ): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (options.token) headers.authorization = `Bearer ${options.token}`;
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    if (method === 'POST') headers['idempotency-key'] = options.idempotencyKey ?? randomUUID();
    if (options.prefer) headers.prefer = options.prefer;
    const response = await this.fetch(path, {
      method,
      headers,
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    const content = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, body: (isJson ? JSON.parse(content) : content) as T };
  }

  /** The same, but anything other than the expected status is an error that shows the answer. */
  async expect<T = Record<string, unknown>>(
    status: number,
    method: string,
    path: string,
    options: Parameters<ApiClient['call']>[2] = {},
  ): Promise<T> {
    const answer = await this.call<T>(method, path, options);
    if (answer.status !== status) {
      throw new UserError(
        `${method} ${path} answered ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`,
      );
    }
    return answer.body;
  }

  async bytes(path: string, token: string): Promise<{ status: number; bytes: Buffer }> {
    const response = await this.fetch(path, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(this.baseUrl + path, init);
    } catch (error) {
      const cause = (error as { cause?: Error }).cause ?? (error as Error);
      throw new UserError(
        `Nobody answers at ${this.baseUrl} (${cause.message}): is the platform running? Start it with npm start.`,
      );
    }
  }
}
