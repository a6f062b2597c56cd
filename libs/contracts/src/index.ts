export {
  type CorrectionPattern,
  correctionPatterns,
  type ExtensionPattern,
  type ReversalPattern,
  type WriteOffPattern,
} from './correction-patterns.js';
export type { ErrorCatalogue, ErrorCode } from './errors/catalogue.js';
export { type Code, errorCode, errorCodes } from './errors/index.js';
export {
  type LinkCorrectionName,
  type LinkCorrectionPattern,
  type LinkDisputePattern,
  type LinkOutcome,
  linkCorrectionPattern,
  linkPatterns,
} from './link-patterns.js';
export type { OlderVersion, PublishedEvent } from './published.js';
export {
  type ClaimReason,
  type ExchangeReason,
  type LinkReason,
  type ReasonCode,
  reasonCodes,
} from './reason-codes.js';
export {
  type DataOf,
  keyOf,
  type PublishedType,
  publishedEvent,
  publishedEvents,
  publishedUpcasts,
  publishedVersions,
  schemaErrors,
  typesOf,
} from './registry.js';
export { partitionCount, type ServiceName, serviceNames, type Topic, topics } from './topics.js';
