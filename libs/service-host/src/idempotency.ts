import { createHash } from 'node:crypto';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { type Clock, idFromScope, type Refusal } from '@tsunagu/kernel';
import canonicalize from 'canonicalize';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { factsOf, IDEMPOTENT, type IdempotentOptions } from './caller.js';
import { giveBackKey, keepAnswer, takeKey } from './idempotency-store.js';
import { Problem } from './problem.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * Gives an @Idempotent call the same answer at every repetition (API.md "Errors"): scope = token subject, method, path and
 * key; bodies compared in canonical form (RFC 8785). 2xx and rule refusals (409, 422) are kept. The id of what the call
 * creates is derived from the scope, so a repetition whose first answer was lost finds what the first call made.
 */
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const options = this.reflector.get<IdempotentOptions | undefined>(IDEMPOTENT, context.getHandler());
    if (context.getType() !== 'http' || !options) return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string' || !KEY.test(key)) throw new Problem({ code: 'request.idempotency_key_required' });
    const facts = factsOf(request);
    // A subject belongs to an owner: two owners' staff may bear one name.
    const scope = JSON.stringify([
      facts.caller?.actor ?? null,
      facts.caller?.ownerId ?? null,
      request.method,
      request.url.split('?', 1)[0],
      key,
    ]);
    facts.createdId = idFromScope(scope);
    const scopeHash = createHash('sha256').update(scope).digest();
    const taken = await takeKey(this.database, {
      scopeHash,
      requestHash: createHash('sha256')
        .update(canonicalize(request.body ?? null) ?? 'null')
        .digest(),
      ownerId: facts.caller?.ownerId ?? null,
      nowMs: this.clock.now(),
    });
    switch (taken.state) {
      case 'other_body':
        throw new Problem({ code: 'request.idempotency_key_reused' });
      case 'running':
        throw new Problem({ code: 'request.idempotency_in_progress', retryAfterSeconds: 1 });
      case 'answered':
        reply.header('idempotency-replayed', 'true');
        if ('refusal' in taken.answer) throw new Problem(taken.answer.refusal as Refusal);
        reply.code(taken.status);
        if (options.without === undefined) return of(taken.answer.value);
        facts.keptAnswer = taken.answer.value;
        return next.handle();
      case 'first':
        return of(await this.run(next, reply, { scopeHash, leaseId: taken.leaseId, ...options }));
    }
  }

  private async run(
    next: CallHandler,
    reply: FastifyReply,
    { scopeHash, leaseId, without }: FirstCall,
  ): Promise<unknown> {
    try {
      const value: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      if (reply.statusCode >= 200 && reply.statusCode < 300) {
        await keepAnswer(this.database, scopeHash, leaseId, reply.statusCode, { value: kept(value, without) });
      } else await giveBackKey(this.database, scopeHash, leaseId);
      return value;
    } catch (error) {
      if (error instanceof Problem && isKept(error)) {
        await keepAnswer(this.database, scopeHash, leaseId, error.status, { refusal: error.refusal });
      } else await giveBackKey(this.database, scopeHash, leaseId).catch(() => undefined);
      throw error;
    }
  }
}

interface FirstCall extends IdempotentOptions {
  readonly scopeHash: Buffer;
  readonly leaseId: string;
}

function kept(value: unknown, without: IdempotentOptions['without']): unknown {
  if (without === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([member, its]) => [member, without.includes(member) ? null : its]),
  );
}

function isKept({ status, refusal }: Problem): boolean {
  return (status === 409 || status === 422) && !refusal.code.startsWith('request.idempotency_');
}
