import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

/** A question that is held open until there is something to say; who asks it asks again. */
const HELD_OPEN = /\/internal\/v1\/[^?]+\?(?:.*&)?wait=/;

/** Counts the requests at hand, so that a stop can let them finish; later ones are refused. */
export class RequestDrain {
  isClosing = false;
  private running = 0;
  private idle: (() => void) | undefined;

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRequest', (request, reply, done) => {
      if (this.isClosing) {
        reply.header('connection', 'close');
        done(new Problem({ code: 'service.unavailable', detail: 'The service is stopping.' }));
        return;
      }
      if (HELD_OPEN.test(request.url)) return done();
      this.running++;
      // `close` comes after the last byte, and also when the caller went away.
      reply.raw.once('close', () => {
        if (--this.running === 0) this.idle?.();
      });
      done();
    });
  }

  /** Resolves when no request is at hand, or after `limitMs` of real time. */
  async finish(limitMs: number): Promise<void> {
    this.isClosing = true;
    if (this.running === 0) return;
    const given = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.idle = resolve;
    });
    await Promise.race([idle, delay(limitMs, undefined, { signal: given.signal }).catch(() => undefined)]);
    given.abort();
  }
}
