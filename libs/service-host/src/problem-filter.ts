import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { isOutage } from '@tsunagu/event-feed';
import { StoreError } from '@tsunagu/event-store';
import type { Refusal } from '@tsunagu/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { correlationOf } from './caller.js';
import { Problem, problemAnswer } from './problem.js';

/** Turns whatever a request ended with into problem+json. Only bugs and outages are logged, without the request's content. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    /** Methods that the path of an unmatched request would take; empty when none. */
    private readonly methodsOf: (path: string) => readonly string[],
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    const correlationId = correlationOf(request);
    let refusal = refusalOf(error);
    if (request.is404 && refusal.code === 'request.not_found') {
      const methods = this.methodsOf(request.url.split('?', 1)[0] ?? '/');
      if (methods.length > 0) {
        refusal = { code: 'request.method_not_allowed' };
        reply.header('allow', methods.join(', '));
      }
    }
    const answer = problemAnswer(refusal, correlationId, request.headers['accept-language']);
    if (answer.status >= 500) this.logger.error({ correlationId, code: refusal.code, ...errorFacts(error) }, 'failed');
    if (answer.status === 401) {
      const invalid = request.headers.authorization === undefined ? '' : ', error="invalid_token"';
      reply.header('www-authenticate', `Bearer realm="tsunagu"${invalid}`);
    }
    reply.code(answer.status).headers(answer.headers).send(answer.body);
  }
}

/** The code that an error of any kind is answered with. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Problem) return error.refusal;
  if (isOutage(error)) return { code: 'service.unavailable' };
  switch (statusOf(error)) {
    case undefined:
      return { code: 'service.internal_error' };
    case 401:
      return { code: 'auth.token_invalid' };
    case 403:
      return { code: 'auth.role_required' };
    case 404:
      return { code: 'request.not_found' };
    case 405:
      return { code: 'request.method_not_allowed' };
    case 413:
    case 414:
    case 431:
      return { code: 'request.too_large' };
    case 415:
      return { code: 'request.unsupported_media_type' };
    case 503:
      return { code: 'service.unavailable' };
    default:
      return { code: 'request.invalid' };
  }
}

/** The status of an error of the framework's own, 4xx and 503 only: any other is a bug. */
function statusOf(error: unknown): number | undefined {
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' && ((status >= 400 && status < 500) || status === 503) ? status : undefined;
}

/** What a log line may say about an error: class, code and frames. A message can quote data (a parser's, a database's), so only a plain Error's is kept. */
export function errorFacts(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { error: typeof error };
  const { code } = error as { code?: unknown };
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at '));
  return {
    error: error.name,
    ...(typeof code === 'string' ? { errorCode: code } : {}),
    ...(error.constructor === Error || error instanceof StoreError ? { message: error.message.slice(0, 300) } : {}),
    ...(isOutage(error) ? {} : { frames: frames?.slice(0, 12).map((line) => line.trim()) }),
    ...(error.cause instanceof Error ? { cause: errorFacts(error.cause) } : {}),
  };
}
