export {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type ExpectedRevision,
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
export type { Projection, ProjectionStatus } from './projection.js';
export { projectionDigest } from './projection-digest.js';
export { ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.js';
export { type ProjectionVerified, verifyProjection } from './projection-verify.js';
export { answerTo, appendOne, appendSurely, domainEvents, expectedRevision } from './recording.js';
export { StreamReader } from './stream-reader.js';

/** Numbered SQL (postgrator's names) for each service's schema: events, functions, checkpoints. Names are unqualified. */
export const eventStoreMigrations = new URL('./migrations/', import.meta.url);
