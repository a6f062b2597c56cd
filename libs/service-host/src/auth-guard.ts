import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { TokenVerifier } from './access-token.js';
import { type Caller, FOR_PROVIDERS, factsOf, PUBLIC, ROLES, type Role } from './caller.js';
import type { EndedSessions } from './ended-sessions.js';
import { Problem } from './problem.js';

/** Lets in whom a handler's @Roles name; @Public handlers take anyone, but a token that comes along must be valid. */
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly verifier: TokenVerifier,
    private readonly endedSessions: EndedSessions,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const allowed = this.reflector.getAllAndOverride<readonly Role[] | undefined>(ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) {
      const open = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [
        context.getHandler(),
        context.getClass(),
      ]);
      if (open) return true;
      throw new Problem({ code: 'auth.token_invalid', detail: 'The call needs an access token.' });
    }
    const known = this.verifier.known(token);
    return known
      ? this.admit(request, known, allowed, context)
      : this.verifier.verify(token).then((caller) => this.admit(request, caller, allowed, context));
  }

  private admit(
    request: FastifyRequest,
    caller: Caller,
    allowed: readonly Role[] | undefined,
    context: ExecutionContext,
  ): boolean {
    if (this.endedSessions.has(caller.tokenId)) {
      throw new Problem({ code: 'auth.token_invalid', detail: 'The session was ended.' });
    }
    if (allowed && !allowed.includes(caller.role)) {
      throw new Problem({ code: 'auth.role_required', detail: `The call needs the role ${allowed.join(' or ')}.` });
    }
    const isProvider = caller.providerId !== undefined;
    if (allowed && isProvider && !this.reflector.get<boolean | undefined>(FOR_PROVIDERS, context.getHandler())) {
      throw new Problem({ code: 'auth.role_required', detail: 'The call is not for the machine of a provider.' });
    }
    factsOf(request).caller = caller;
    return true;
  }
}

/** RFC 6750 §2.1. Undefined without the header; another scheme is a bad token. */
function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header);
  if (!match?.[1])
    throw new Problem({ code: 'auth.token_invalid', detail: 'The Authorization header holds no bearer token.' });
  return match[1];
}
