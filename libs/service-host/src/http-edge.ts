import type { Duplex } from 'node:stream';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { holdsMyNumber } from '@tsunagu/kernel';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { correlationOf, type RequestFacts } from './caller.js';
import { parseForm, parseJsonBody } from './json-body.js';
import { Problem, problemAnswer } from './problem.js';
import { refusalOf } from './problem-filter.js';

/** Bytes of a request body where the route sets no other limit. */
export const bodyBytesMax = 64 * 1024;
export const headersMax = 64;
export const urlCharactersMax = 2_048;
const PATH_PARAMETER_CHARACTERS_MAX = 200;

/** For every HTTP server of the platform: the front of the embedded topology as well as a service's own. */
export const serverLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than a proxy keeps an idle connection (usually 60 s), so that the proxy closes first. */
  keepAliveTimeout: 75_000,
} as const;

const EMPTY_ID = '00000000-0000-4000-8000-000000000000';

/** Fastify with this platform's limits; every refusal it makes by itself is problem+json too. */
export function httpAdapter(): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: bodyBytesMax,
    http: { maxHeaderSize: serverLimits.maxHeaderSize, headersTimeout: serverLimits.headersTimeout },
    requestTimeout: serverLimits.requestTimeout,
    keepAliveTimeout: serverLimits.keepAliveTimeout,
    forceCloseConnections: 'idle',
    // RequestDrain answers what comes while it closes, as a problem document.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PATH_PARAMETER_CHARACTERS_MAX },
    clientErrorHandler: (error: Error, socket: Duplex) => answerClientError(error, socket),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const traceId = correlationOf(request);
      const answer = problemAnswer(refusalOf(error), traceId, request.headers['accept-language']);
      reply
        .code(answer.status)
        .headers({ ...answer.headers, 'correlation-id': traceId })
        .send(answer.body);
    },
  });
}

/** What every request meets before Nest: its facts and limits, and the one body parser. */
export function guardEdge(fastify: FastifyInstance): void {
  fastify.decorateRequest('facts', null as unknown as RequestFacts);
  fastify.addHook('onRequest', (request, reply, done) => {
    const correlationId = correlationOf(request);
    (request as unknown as { facts: RequestFacts }).facts = { correlationId };
    reply.header('correlation-id', correlationId);
    reply.header('x-content-type-options', 'nosniff');
    done(excess(request));
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** Lets the addresses named, and no other, take a form too (RFC 6749 asks for one): its fields as an object of texts, none of them twice. */
export function takeForms(fastify: FastifyInstance, paths: readonly string[]): void {
  if (paths.length === 0) return;
  const mediaType = 'application/x-www-form-urlencoded';
  fastify.addContentTypeParser(mediaType, { parseAs: 'string' }, (request, body, done) => {
    if (!paths.includes(request.url.split('?', 1)[0] ?? '')) {
      return done(new Problem({ code: 'request.unsupported_media_type' }), undefined);
    }
    try {
      done(null, parseForm(body as string));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** Remembers each route, to tell a wrong method (405) from an unknown address (404). */
export function routeMethods(fastify: FastifyInstance): (path: string) => readonly string[] {
  const routes: { pattern: RegExp; methods: readonly string[] }[] = [];
  fastify.addHook('onRoute', (route) => {
    const source = route.url
      .split('/')
      .map((part) =>
        part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('/');
    routes.push({ pattern: new RegExp(`^${source}$`), methods: [route.method].flat() });
  });
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))];
}

function excess(request: FastifyRequest): Problem | undefined {
  if (request.raw.rawHeaders.length > headersMax * 2) {
    return new Problem({ code: 'request.too_large', detail: `A request may have ${headersMax} headers.` });
  }
  if (request.url.length > urlCharactersMax) {
    return new Problem({ code: 'request.too_large', detail: `An address may have ${urlCharactersMax} characters.` });
  }
  if (holdsMyNumber(addressText(request.url))) return new Problem({ code: 'request.my_number' });
  // No text column holds a NUL, so nothing is to be found under such an address.
  const nul = request.url.indexOf('%00');
  if (nul < 0) return undefined;
  const query = request.url.indexOf('?');
  return new Problem({ code: query >= 0 && nul > query ? 'request.invalid' : 'request.not_found' });
}

/** What an address says, part by part; as it was written where it is not well encoded. */
function addressText(url: string): string {
  const parted = url.replaceAll(/[/?&=]/g, '\n').replaceAll('+', ' ');
  if (!parted.includes('%')) return parted;
  try {
    return decodeURIComponent(parted);
  } catch {
    return parted;
  }
}

/** Answers bytes that are no HTTP request, on the bare connection; for `clientError` of any server of the platform. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const large = error.code === 'HPE_HEADER_OVERFLOW';
  const { status, body } = problemAnswer(
    { code: large ? 'request.too_large' : 'request.invalid' },
    EMPTY_ID,
    undefined,
  );
  const text = JSON.stringify(body);
  const reason = large ? 'Payload Too Large' : 'Bad Request';
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
