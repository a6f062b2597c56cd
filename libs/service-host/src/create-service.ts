import 'reflect-metadata';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import type { NestMicroservice } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { ServiceName } from '@tsunagu/contracts';
import { FeedStrategy, KeepFeedErrors, type StrategySubscription } from '@tsunagu/event-feed';
import type { ProjectionStatus } from '@tsunagu/event-store';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { TokenVerifier } from './access-token.js';
import { AuthGuard } from './auth-guard.js';
import type { Environment } from './config.js';
import { serveDocs } from './docs-page.js';
import { EndedSessions } from './ended-sessions.js';
import { hostModule, nestLogger } from './host-module.js';
import { guardEdge, httpAdapter, routeMethods, takeForms } from './http-edge.js';
import { refuseOpenHandlers } from './http-handlers.js';
import { IdempotencyInterceptor } from './idempotency.js';
import { forgetOldAnswers } from './idempotency-store.js';
import { LogTrees } from './log-trees.js';
import { hostMetrics, observeRequests, serviceRegistry } from './metrics.js';
import { refuseStoreThatLacks } from './open-log.js';
import { openApiDocument } from './openapi.js';
import type { ServiceDefinition, ServiceParts } from './parts.js';
import { ProblemFilter } from './problem-filter.js';
import { ProjectionSet } from './projection-set.js';
import { RequestDrain } from './request-drain.js';
import { takeUploads } from './uploads.js';
import { validationPipe } from './validation.js';

export interface RunningService {
  readonly name: ServiceName;
  readonly segments: readonly string[];
  /** Answers one request; for a front that dispatches by the first path segment. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Listens on a port of its own (0: a free one) and gives its base URL. */
  listen(port: number, host: string): Promise<string>;
  /** Why it is not ready; empty when it is. */
  ready(): Promise<readonly string[]>;
  readonly openApi: OpenAPIObject;
  readonly registry: Registry;
  metrics(): Promise<string>;
  projections(): Promise<readonly ProjectionStatus[]>;
  subscriptions(): readonly StrategySubscription[];
  waitForProjections(timeoutMs?: number): Promise<boolean>;
  /** Finishes the requests at hand (for at most `drainMs`), then stops consumers, jobs and projections. The parts stay open: they are the composition root's. */
  close(drainMs?: number): Promise<void>;
}

const DRAIN_MS = 400;
const KEYS_RELOAD_MS = 5 * 60_000;
const KEYS_RETRY_MS = 250;
const FORGET_ANSWERS_MS = 3_600_000;
const READY_QUERY_MS = 1_000;

/** Builds and starts one service from its definition and the parts its composition root gives: the same in both topologies. */
export async function createService(
  definition: ServiceDefinition,
  parts: ServiceParts,
  { env = process.env, docs = false }: { env?: Environment; docs?: boolean } = {},
): Promise<RunningService> {
  refuseStoreThatLacks(definition, parts.log.capabilities);
  const registry = parts.registry ?? serviceRegistry(definition.name);
  const projections = new ProjectionSet(definition.projections, parts);
  const endedSessions = new EndedSessions(parts.questions, parts.clock, parts.logger);
  const trees = await LogTrees.open(definition.name, parts, env);
  const verifier = new TokenVerifier(parts.jwksUrl, parts.clock, parts.profile);
  const adapter = httpAdapter();
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const methodsOf = routeMethods(fastify);
  const drain = new RequestDrain(fastify);
  guardEdge(fastify);
  takeForms(fastify, definition.forms ?? []);
  takeUploads(fastify, definition.uploads ?? []);
  observeRequests(
    fastify,
    parts.logger,
    hostMetrics(
      registry,
      () => projections.status(),
      () => trees.status(),
    ),
  );

  const config = definition.config(env);
  const own = { registry, endedSessions, projections, trees };
  const app = await NestFactory.create<NestFastifyApplication>(
    { imports: [hostModule(definition, config, parts, own), definition.module(config)] },
    adapter,
    { bodyParser: false, abortOnError: false, logger: nestLogger(parts.logger) },
  );
  const reflector = app.get(Reflector);
  refuseOpenHandlers(app, reflector);
  app.useGlobalFilters(new ProblemFilter(parts.logger, methodsOf));
  app.useGlobalGuards(new AuthGuard(reflector, verifier, endedSessions));
  app.useGlobalInterceptors(new IdempotencyInterceptor(reflector, parts.database, parts.clock));
  app.useGlobalPipes(validationPipe());
  const strategy = new FeedStrategy(parts.feed, definition.name);
  const consumers = definition.consumes.length > 0 ? connectConsumers(app, strategy) : undefined;

  let document: OpenAPIObject | undefined;
  const openApi = () => (document ??= openApiDocument(app, definition.name));
  const ready = async () => [
    ...(drain.isClosing ? ['stopping'] : []),
    ...(verifier.hasKeys ? [] : ['the keys that check tokens are not loaded']),
    ...(endedSessions.isKnown ? [] : ['the ended sessions are not known yet']),
    ...(await databaseReasons(parts)),
    ...(parts.logReasons?.() ?? []),
    ...(await projections.reasons()),
  ];
  serveOperations(fastify, definition.name, { ready, openApi, metrics: () => registry.metrics() });
  if (docs) serveDocs(fastify, definition.name);

  await app.init();
  await fastify.ready();
  projections.start();
  trees.start();
  endedSessions.start();
  if (consumers) await consumers.listen();
  const stopTimers = startTimers(parts, verifier);

  return {
    name: definition.name,
    segments: definition.segments,
    handle: (request, response) => fastify.routing(request, response),
    async listen(port, host) {
      await app.listen(port, host);
      return app.getUrl();
    },
    ready,
    get openApi() {
      return openApi();
    },
    registry,
    metrics: () => registry.metrics(),
    projections: () => projections.status(),
    subscriptions: () => strategy.subscriptions(),
    waitForProjections: (timeoutMs) => projections.waitForAll(timeoutMs),
    async close(drainMs = DRAIN_MS) {
      stopTimers();
      await Promise.all([drain.finish(drainMs), endedSessions.stop()]);
      await consumers?.close();
      app.getHttpServer().closeAllConnections();
      await app.close();
      await Promise.all([projections.stop(), trees.stop()]);
    },
  };
}

/** Nest fixes the filters of event handlers at the moment it registers them, so that is put off until ours is in place. */
function connectConsumers(app: NestFastifyApplication, strategy: FeedStrategy): INestMicroservice {
  const consumers = app.connectMicroservice({ strategy }, { inheritAppConfig: false, deferInitialization: true });
  consumers.useGlobalFilters(new KeepFeedErrors());
  const nest = consumers as NestMicroservice;
  nest.registerListeners();
  nest.setIsInitialized(true);
  nest.setIsInitHookCalled(true);
  return consumers;
}

async function databaseReasons({ database }: ServiceParts): Promise<readonly string[]> {
  const answered = database.query('SELECT 1').then(
    () => true,
    () => false,
  );
  const late = new Promise<false>((resolve) => setTimeout(resolve, READY_QUERY_MS, false).unref());
  return (await Promise.race([answered, late])) ? [] : ['the database does not answer'];
}

/** What an orchestrator and Prometheus ask; the embedded front serves its own for all services. */
function serveOperations(
  fastify: FastifyInstance,
  name: ServiceName,
  {
    ready,
    openApi,
    metrics,
  }: { ready(): Promise<readonly string[]>; openApi(): OpenAPIObject; metrics(): Promise<string> },
): void {
  fastify.get('/health/live', () => ({ status: 'live' }));
  fastify.get('/health/ready', async (_request, reply) => {
    const reasons = await ready();
    reply.code(reasons.length === 0 ? 200 : 503);
    return { status: reasons.length === 0 ? 'ready' : 'not_ready', reasons };
  });
  fastify.get('/metrics', async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8');
    return metrics();
  });
  fastify.get(`/${name}/openapi.json`, () => openApi());
}

/** Keeps the token keys fresh and deletes old idempotent answers; returns what stops it. */
function startTimers(parts: ServiceParts, verifier: TokenVerifier): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const reload = async () => {
    await verifier.reloadKeys().catch(() => undefined);
    if (!stopped) timer = setTimeout(() => void reload(), verifier.hasKeys ? KEYS_RELOAD_MS : KEYS_RETRY_MS).unref();
  };
  void reload();
  const forget = setInterval(() => {
    forgetOldAnswers(parts.database, parts.clock.now()).catch(() => parts.logger.warn('old answers were not deleted'));
  }, FORGET_ANSWERS_MS).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearInterval(forget);
  };
}
