export {
  type AppendOutcome,
  type AppendRequest,
  type EventLog,
  type ExpectedRevision,
  type LogSlice,
  type NewEvent,
  type RecordedEvent,
  type StoreCapabilities,
  StoreError,
  type StreamWrite,
} from './contract.js';
export type { Projection, ProjectionStatus } from './projection.js';
