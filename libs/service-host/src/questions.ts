import type { ServiceName } from '@tsunagu/contracts';

/**
 * Read-only questions to another service's `/{service}/internal/v1`, over HTTP with a 5-minute token that the asking
 * service signs with a key of its own.
 */
export interface Questions {
  /**
   * The JSON answer. `path` is below `/{service}/internal/v1/`. GET without a body, POST with one (a question too large for a URL; still read-only).
   * Undefined for a 404. Throws QuestionUnanswered for anything else but a 2xx: an outage, never a refusal.
   */
  ask<T>(
    service: ServiceName,
    path: string,
    body?: unknown,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<T | undefined>;
}

export class QuestionUnanswered extends Error {
  constructor(
    readonly service: ServiceName,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'QuestionUnanswered';
  }
}
