import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension, ApiHeader } from '@nestjs/swagger';
import { isId, newId } from '@tsunagu/kernel';

export const roles = ['citizen', 'kiosk', 'support', 'operator', 'finance', 'auditor', 'partner', 'service'] as const;
export type Role = (typeof roles)[number];

/** Who calls, from a verified access token. */
export interface Caller {
  /** The token's `sub`: a personId for a citizen, a staff member's name, a service's name. */
  readonly subject: string;
  readonly role: Role;
  /** The owner a staff token belongs to; null for citizens and services. */
  readonly ownerId: string | null;
  /** The token's `jti`. */
  readonly tokenId: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** `person:<id>`, `staff:<subject>`, `service:<name>`: the actor of events. */
  readonly actor: string;
  /** Of a citizen at a counter or kiosk: every write there needs a fresh proof by the card. */
  readonly terminalId?: string;
  /** Of a partner: the provider that it speaks for. */
  readonly providerId?: string;
}

export const ROLES = 'tsunagu:roles';
export const PUBLIC = 'tsunagu:public';
export const FOR_PROVIDERS = 'tsunagu:for-providers';
export const IDEMPOTENT = 'tsunagu:idempotent';

/** Roles that may call; every handler has this or @Public, else the app refuses to start. */
export const Roles = (...allowed: readonly Role[]) =>
  applyDecorators(SetMetadata(ROLES, allowed), ApiBearerAuth(), ApiExtension('x-roles', allowed));
export const Public = () => SetMetadata(PUBLIC, true);
/** Partners that speak for a provider may call; no other handler lets them in, since what an owner's partners may see is not theirs. */
export const ForProviders = () => SetMetadata(FOR_PROVIDERS, true);

export interface IdempotentOptions {
  /**
   * Members of the answer that must not be kept for 30 days. At a repetition the handler is called with @KeptAnswer, in which those that
   * the first answer had are null, and completes it.
   */
  readonly without?: readonly string[];
}

/** The POST needs an Idempotency-Key (API.md ⚷). */
export const Idempotent = (options: IdempotentOptions = {}) =>
  applyDecorators(
    SetMetadata(IDEMPOTENT, options),
    ApiHeader({
      name: 'Idempotency-Key',
      required: true,
      description: 'The same key for every repetition of one call; kept 30 days.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
  );

export interface RequestFacts {
  caller?: Caller;
  correlationId: string;
  /** On an @Idempotent call: the id of what it creates, derived from the scope, the same at every repetition. */
  createdId?: string;
  /** At its repetition, where the handler said `without`: the first answer as it was kept. */
  keptAnswer?: unknown;
}

export function factsOf(request: object): RequestFacts {
  return (request as { facts: RequestFacts }).facts;
}

/** The call's own UUID, else the one the caller sent in `Correlation-Id`, else a new one. */
export function correlationOf(request: { readonly headers: Readonly<Record<string, unknown>> }): string {
  const facts = factsOf(request) as RequestFacts | null | undefined;
  const given = request.headers['correlation-id'];
  return facts?.correlationId ?? (isId(given) ? given : newId(Date.now()));
}

/** The caller; undefined only on @Public handlers called without a token. */
export const CurrentCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext) => factsOf(context.switchToHttp().getRequest<object>()).caller,
);
/** UUID that follows the call into events, logs and answers (`traceId`). */
export const CorrelationId = createParamDecorator(
  (_: unknown, context: ExecutionContext) => factsOf(context.switchToHttp().getRequest<object>()).correlationId,
);
export const CreatedId = createParamDecorator(
  (_: unknown, context: ExecutionContext) => factsOf(context.switchToHttp().getRequest<object>()).createdId,
);
/** Undefined but at a repetition of a call whose answer was kept without something. */
export const KeptAnswer = createParamDecorator(
  (_: unknown, context: ExecutionContext) => factsOf(context.switchToHttp().getRequest<object>()).keptAnswer,
);
