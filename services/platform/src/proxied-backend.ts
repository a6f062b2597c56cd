import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Backend } from './front.js';
import { sendProblem } from './problem-answer.js';

const ANSWER_WAIT_MS = 30_000;
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
]);

/** A service in a process of its own, reached over HTTP. */
export function proxiedBackend(name: string, segments: readonly string[], baseUrl: string): Backend {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const target = new URL(baseUrl);
  const read = async (path: string) => fetch(new URL(path, target), { signal: AbortSignal.timeout(5_000) });
  return {
    name,
    segments,
    handle: (incoming, response) => forward(incoming, response, target, agent),
    ready: async () => {
      const answer = await read('/health/ready').catch(() => undefined);
      if (!answer) return ['no answer'];
      if (answer.ok) return [];
      const { reasons } = (await answer.json()) as { reasons?: readonly string[] };
      return reasons ?? [`status ${answer.status}`];
    },
    metrics: async () => (await read('/metrics')).text(),
    openApi: async () => (await read(`/${name}/openapi.json`)).json() as Promise<object>,
  };
}

function forward(incoming: IncomingMessage, response: ServerResponse, target: URL, agent: Agent): void {
  const outgoing = httpRequest(
    {
      agent,
      host: target.hostname,
      port: target.port,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: endToEnd(incoming),
      timeout: ANSWER_WAIT_MS,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer));
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else sendProblem(incoming, response, 'service.unavailable');
  });
  response.on('close', () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  incoming.pipe(outgoing);
}

function endToEnd(message: IncomingMessage): NodeJS.Dict<string | string[]> {
  const connection = new Set((message.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(
    Object.entries(message.headers).filter(([name]) => !HOP_BY_HOP.has(name) && !connection.has(name)),
  );
}
