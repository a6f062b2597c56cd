import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerClientError, serverLimits } from '@tsunagu/service-host';
import { sendProblem } from './problem-answer.js';

/** A service as the front sees it: in this process, or behind another address. */
export interface Backend {
  readonly name: string;
  /** First path segments that belong to it. */
  readonly segments: readonly string[];
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Reasons why it is not ready; empty when it is. */
  ready(): Promise<readonly string[]>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  openApi(): Promise<object>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What stands behind a front. It listens before all of it is up, so both lists grow while the platform starts. */
export interface FrontOptions {
  readonly backends: Backend[];
  /** Handlers of further first segments: `sim-pay`, `docs`. */
  readonly others: Map<string, Handler>;
  /** The internal server answers `/{service}/internal/`, the public one says 404. */
  readonly internal: boolean;
  /** False until everything stands behind it: an address that nothing answers yet is then 503, not 404. */
  complete: boolean;
}

/** The services have a tighter limit of their own; this one keeps the work of the front small. */
const URL_CHARACTERS_MAX = 8_192;

/** One HTTP server in front of all services, dispatching on the first path segment. */
export function createFront(options: FrontOptions): Server {
  const server = createServer(serverLimits, (request, response) => {
    const path = decodedPath(request.url ?? '/');
    if (path === undefined) return sendProblem(request, response, 'request.invalid', 'The address cannot be read.');
    const [first = '', second] = path.split('/').filter((segment) => segment !== '' && segment !== '.');
    if (!options.internal && second === 'internal') return sendProblem(request, response, 'request.not_found');
    const fixed = request.method === 'GET' || request.method === 'HEAD' ? fixedAnswer(options, path) : undefined;
    if (fixed) return answer(request, response, fixed);
    const handler =
      options.others.get(first) ??
      options.backends.find(({ name, segments }) => name === first || segments.includes(first))?.handle;
    if (handler) return handler(request, response);
    return sendProblem(request, response, options.complete ? 'request.not_found' : 'service.unavailable');
  });
  server.on('clientError', answerClientError);
  return server;
}

/** Undefined for an address that is too long, has bad percent-encoding or walks upwards: nothing here does. */
function decodedPath(url: string): string | undefined {
  if (url.length > URL_CHARACTERS_MAX) return undefined;
  const end = url.search(/[?#]/);
  try {
    const path = decodeURIComponent(end === -1 ? url : url.slice(0, end));
    return path.split('/').includes('..') ? undefined : path;
  } catch {
    return undefined;
  }
}

type Answer = () => Promise<{ status: number; type: string; body: string }>;

function fixedAnswer({ backends, complete }: FrontOptions, path: string): Answer | undefined {
  if (path === '/health/live') return async () => json(200, { status: 'live' });
  if (path === '/health/ready') return () => readiness(backends, complete);
  if (path === '/metrics') return () => metrics(backends);
  const described = backends.find(({ name }) => path === `/${name}/openapi.json`);
  return described && (async () => json(200, await described.openApi()));
}

/** Why the services are not ready, each reason with the service's name; empty when all are. */
export async function reasonsOf(backends: readonly Backend[]): Promise<string[]> {
  const all = await Promise.all(
    backends.map(async ({ name, ready }) =>
      (await ready().catch((error: Error) => [error.message])).map((reason) => `${name}: ${reason}`),
    ),
  );
  return all.flat();
}

async function readiness(backends: readonly Backend[], complete: boolean) {
  const reasons = await reasonsOf(backends);
  if (!complete) reasons.push('the platform is starting');
  return json(reasons.length === 0 ? 200 : 503, { status: reasons.length === 0 ? 'ready' : 'not_ready', reasons });
}

/** The services' metrics as one text; the lines that describe a metric may stand once only. */
async function metrics(backends: readonly Backend[]) {
  const described = new Set<string>();
  const lines: string[] = [];
  for (const text of await Promise.all(backends.map(({ metrics }) => metrics().catch(() => '')))) {
    for (const line of text.split('\n')) {
      if (line === '' || (line.startsWith('#') && described.has(line))) continue;
      if (line.startsWith('#')) described.add(line);
      lines.push(line);
    }
  }
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: `${lines.join('\n')}\n` };
}

function json(status: number, body: object) {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

function answer(request: IncomingMessage, response: ServerResponse, make: Answer): void {
  make().then(
    ({ status, type, body }) => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? undefined : body);
    },
    () => sendProblem(request, response, 'service.unavailable'),
  );
}
