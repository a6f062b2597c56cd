import type { DynamicModule, Type } from '@nestjs/common';
import { publishedUpcasts, type ServiceName } from '@tsunagu/contracts';
import type { Feed } from '@tsunagu/event-feed';
import type { EventLog, Projection, StoreCapabilities, StreamPlace } from '@tsunagu/event-store';
import { type Clock, EventVersions, type UpcastTable } from '@tsunagu/kernel';
import type { TreeKeeperOptions, TreeKeeping } from '@tsunagu/transparency';
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
  /** What its event store must be able to do: without it the service refuses to start. */
  readonly needs?: readonly (keyof StoreCapabilities)[];
  /** Each of its own events, published ones apart, with the steps from its older versions; golden files are kept for them. */
  readonly upcasts?: UpcastTable;
  /** Where the service may have several logs: what the name of a stream says of the one that it lies in. */
  placeOf?(stream: string): StreamPlace;
  /** Addresses that take a form besides JSON. */
  readonly forms?: readonly string[];
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
  /** Streams are read and written through it, wherever they lie. */
  readonly log: EventLog;
  /** Every log on its own, in number order: what follows a log follows each of these. `log` alone where absent. */
  readonly logs?: readonly EventLog[];
  /** Why the service cannot serve all its logs; empty when it can. */
  logReasons?(): readonly string[];
  readonly feed: Feed;
  readonly questions: Questions;
  readonly keyDirectory: string;
  /** Where the JWKS is read from. */
  readonly jwksUrl: string;
  readonly logger: Logger;
  /** Who keeps the tree over a log of the service; this thread where absent. */
  treeKeeping?(options: TreeKeeperOptions): TreeKeeping;
  /** Where the service's metrics are counted; its feed may count there too. Made by the host where absent. */
  readonly registry?: Registry;
}

/** Injection tokens, provided globally by the host. */
export const CLOCK = Symbol('CLOCK');
export const DATABASE = Symbol('DATABASE');
export const EVENT_LOG = Symbol('EVENT_LOG');
/** Every log of the service on its own, in number order. */
export const EVENT_LOGS = Symbol('EVENT_LOGS');
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
  /**
   * Resolves true when the named projection has reached `position` of the service's first log (default: what every log
   * holds now), false after the real-time limit (default 2 s).
   */
  waitFor(projection: string, position?: number, timeoutMs?: number): Promise<boolean>;
}
