export {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type ExpectedRevision,
  type LastEvent,
  type LogQuery,
  type LogSlice,
  type NewEvent,
  type RecordedEvent,
  type StoreCapabilities,
  StoreError,
  type StreamWrite,
} from './contract.js';
export { connectKurrent, type KurrentClient } from './kurrent/client.js';
export { KurrentEventLog, type OpenKurrentLog } from './kurrent/kurrent-log.js';
export { type EventMeta, toNewEvent } from './new-event.js';
export { PostgresEventLog } from './postgres/postgres-log.js';
export {
  type RecordedRow,
  type RecordedRows,
  recordedColumnList,
  recordedColumns,
} from './postgres/recorded-rows.js';
export { asText } from './postgres/rows.js';
export { inTransaction } from './postgres/transaction.js';
export type { Projection, ProjectionStatus } from './projection.js';
export { projectionDigest } from './projection-digest.js';
export { ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.js';
export { type ProjectionVerified, verifyProjection, verifyProjections } from './projection-verify.js';
export { answerTo, appendOne, appendSurely, domainEvents, expectedRevision } from './recording.js';
export { identifyLog } from './routing/log-identity.js';
export { type ReadTogether, readTogether } from './routing/read-together.js';
export { type CopiedEntry, copyRoutes, type RouteCopy, restoreRoutes } from './routing/route-copy.js';
export {
  pendingOf,
  proposeRoute,
  type RecordedEntry,
  type RouteHolder,
  type RouteRecords,
  readHolders,
  readRecords,
  silentSecondsMax,
  tableOf,
} from './routing/route-records.js';
export { RoutedLogs, type Routes, type StreamPlace } from './routing/routed-logs.js';
export { entryAt, logOfKey, logsOf, oneLog, type RoutingEntry, type RoutingTable } from './routing/routing-table.js';
export { fixedRoutes, readRoutes, StoredRoutes } from './routing/stored-routes.js';
export { SharedQuery } from './shared-query.js';
export { StreamReader } from './stream-reader.js';

/** Numbered SQL (postgrator's names) for each service's schema: events, functions, checkpoints. Names are unqualified. */
export const eventStoreMigrations = new URL('./migrations/', import.meta.url);

/** Tables of the routing table, for the schema of a service that may have several logs, in each log's database. */
export const logRouteMigrations = new URL('./routing/migrations/', import.meta.url);
