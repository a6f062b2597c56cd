import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Gauge, Histogram, Registry } from 'prom-client';
import { factsOf, type RequestFacts } from './caller.js';

export interface Lag {
  readonly name: string;
  readonly log: number;
  readonly position: number;
  readonly head: number;
}

/** A registry whose metrics all carry the service's name. */
export function serviceRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  return registry;
}

/** A log's tree: how many of the log's events it holds. */
export interface TreeLag {
  readonly log: number;
  readonly size: number;
  readonly head: number;
}

/** Request durations by route, and how far each projection and each tree is behind each log. */
export function hostMetrics(
  registry: Registry,
  projections: () => Promise<readonly Lag[]>,
  trees: () => Promise<readonly TreeLag[]>,
): Histogram<'method' | 'route' | 'status'> {
  new Gauge({
    name: 'tsunagu_projection_lag_events',
    help: 'Positions between the log and a projection',
    labelNames: ['projection', 'log'],
    registers: [registry],
    async collect() {
      for (const { name, log, position, head } of await projections()) {
        this.set({ projection: name, log }, head - position);
      }
    },
  });
  new Gauge({
    name: 'tsunagu_log_tree_lag_events',
    help: 'Events of a log that its Merkle tree does not hold yet',
    labelNames: ['log'],
    registers: [registry],
    async collect() {
      for (const { log, size, head } of await trees()) this.set({ log: String(log) }, head - size);
    },
  });
  return new Histogram({
    name: 'tsunagu_http_request_seconds',
    help: 'Time from the last header to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
}

/** One line and one measurement a request: the route's pattern, never the address itself, its query, headers or bodies. */
export function observeRequests(
  fastify: FastifyInstance,
  logger: Logger,
  seconds: Histogram<'method' | 'route' | 'status'>,
): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    if (!UNLOGGED.test(route)) {
      const facts = factsOf(request) as RequestFacts | null;
      seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
      logger.info(
        {
          correlationId: facts?.correlationId,
          method: request.method,
          route,
          status: reply.statusCode,
          durationMs: Math.round(reply.elapsedTime * 10) / 10,
        },
        'request',
      );
    }
    done();
  });
}

const UNLOGGED = /^\/(health|metrics|docs)/;
