import { type DynamicModule, type LoggerService, Module } from '@nestjs/common';
import { StreamReader } from '@tsunagu/event-store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { EndedSessions } from './ended-sessions.js';
import { logController } from './log-controller.js';
import type { LogTrees } from './log-trees.js';
import { logTreesController, logTreesQuestions } from './log-trees-controller.js';
import {
  CLOCK,
  CONFIG,
  DATABASE,
  ENDED_SESSIONS,
  EVENT_LOG,
  EVENT_LOGS,
  LOG_TREES,
  LOGGER,
  METRICS,
  PARTS,
  PROJECTIONS,
  type ProjectionReader,
  QUESTIONS,
  type ServiceDefinition,
  type ServiceParts,
} from './parts.js';

@Module({})
class HostModule {}

/** The tokens that every service's classes may inject, and the internal log. */
export function hostModule(
  definition: ServiceDefinition,
  config: unknown,
  parts: ServiceParts,
  own: { registry: Registry; endedSessions: EndedSessions; projections: ProjectionReader; trees: LogTrees },
): DynamicModule {
  const values: readonly [symbol | typeof StreamReader, unknown][] = [
    [CLOCK, parts.clock],
    [DATABASE, parts.database],
    [EVENT_LOG, parts.log],
    [EVENT_LOGS, parts.logs ?? [parts.log]],
    [StreamReader, new StreamReader(parts.log)],
    [QUESTIONS, parts.questions],
    [CONFIG, config],
    [PARTS, parts],
    [LOGGER, parts.logger],
    [METRICS, own.registry],
    [ENDED_SESSIONS, own.endedSessions],
    [PROJECTIONS, own.projections],
    [LOG_TREES, own.trees],
  ];
  return {
    module: HostModule,
    global: true,
    controllers: [logController(definition.name), logTreesController(definition), logTreesQuestions(definition.name)],
    providers: values.map(([provide, useValue]) => ({ provide, useValue })),
    exports: values.map(([token]) => token),
  };
}

/** Nest's warnings and errors as JSON lines; its start-up lines are dropped. */
export function nestLogger(logger: Logger): LoggerService {
  return {
    log: () => undefined,
    warn: (message: unknown, context?: unknown) => logger.warn({ context }, String(message)),
    error: (message: unknown, ...rest: unknown[]) => logger.error({ context: rest.at(-1) }, String(message)),
  };
}
