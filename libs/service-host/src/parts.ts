import type { DynamicModule, Type } from '@nestjs/common';
import { publishedUpcasts, type ServiceName } from '@tsunagu/contracts';
import type { Feed } from '@tsunagu/event-feed';
import type { EventLog, Projection } from '@tsunagu/event-store';
import { type Clock, EventVersions, type UpcastTable } from '@tsunagu/kernel';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Questions } from './questions.js';
import type { UploadRoute } from './uploads.js';

/** What a service is, apart from where it runs. Exported by each service as `definition`. */
export interface ServiceDefinition<C = unknown> {
  readonly name: ServiceName;
  /** First path segments on the public port, such as ['exchange', 'settlement']. */
  readonly segments: readonly string[];
  /** Schema of its tables: the name with underscores. */
  readonly schema: string;
  /** Directory URL of its numbered SQL migrations. */
  readonly migrations: URL;
  /** Topics it consumes; each has one @EventPattern method. */
  readonly consumes: readonly string[];
  /** Settings from the environment, validated; throws ConfigError with one sentence. */
  config(env: Readonly<Record<string, string | undefined>>): C;
  readonly projections: readonly Projection[];
  /** Each of its own events, published ones apart, with the steps from its older versions; golden files are kept for them. */
  readonly upcasts?: UpcastTable;
  /** Routes that take a file; every other body is JSON. */
  readonly uploads?: readonly UploadRoute[];
  /** The NestJS module: controllers, consumers, workflows, jobs. The host provides the tokens below globally. */
  module(config: C): DynamicModule | Type;
}

/** The versions of all events that a service's log may hold: what its log is opened with. */
export function versionsOf(definition: Pick<ServiceDefinition, 'upcasts'>): EventVersions {
  return new EventVersions(publishedUpcasts, definition.upcasts ?? {});
}

/** What the composition root gives a service: the same shapes in both topologies. */
export interface ServiceParts {
  readonly profile: 'test' | 'production';
  readonly clock: Clock;
  /** The service's own role; search_path is its schema. */
  readonly database: Pool;
  readonly log: EventLog;
  readonly feed: Feed;
  readonly questions: Questions;
  readonly keyDirectory: string;
  /** Where the JWKS is read from. */
  readonly jwksUrl: string;
  readonly logger: Logger;
  /** Where the service's metrics are counted; its feed may count there too. Made by the host where absent. */
  readonly registry?: Registry;
}

/** Injection tokens, provided globally by the host. */
export const CLOCK = Symbol('CLOCK');
export const DATABASE = Symbol('DATABASE');
export const EVENT_LOG = Symbol('EVENT_LOG');
export const QUESTIONS = Symbol('QUESTIONS');
export const CONFIG = Symbol('CONFIG');
export const PARTS = Symbol('PARTS');
export const LOGGER = Symbol('LOGGER');
/** The service's prom-client Registry. */
export const METRICS = Symbol('METRICS');
/** The EndedSessions of this process: identity's log-out calls `add`. */
export const ENDED_SESSIONS = Symbol('ENDED_SESSIONS');
/** The LogTrees of the service: proofs of what stands in its logs. */
export const LOG_TREES = Symbol('LOG_TREES');
/** A ProjectionReader: position and wait for each projection of the service. */
export const PROJECTIONS = Symbol('PROJECTIONS');

export interface ProjectionReader {
  /** Resolves true when the named projection has reached `position` (default: the log's head now), false after the real-time limit (default 2 s). */
  waitFor(projection: string, position?: number, timeoutMs?: number): Promise<boolean>;
}
