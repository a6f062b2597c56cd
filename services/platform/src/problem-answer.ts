import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Code } from '@tsunagu/contracts';
import { problemAnswer } from '@tsunagu/service-host';

/** A problem document for what no service answers: unknown addresses, a service that is down. */
export function sendProblem(request: IncomingMessage, response: ServerResponse, code: Code, detail?: string): void {
  const refusal = detail === undefined ? { code } : { code, detail };
  const { status, headers, body } = problemAnswer(refusal, randomUUID(), request.headers['accept-language']);
  const text = JSON.stringify(body);
  request.resume();
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
