export {
  type Feed,
  type FeedBatch,
  type FeedMessage,
  type FeedSubscription,
  UnprocessableMessage,
} from './contract.js';
export { FeedStrategy, KeepFeedErrors, type StrategySubscription } from './feed-strategy.js';
export { KafkaFeed, type KafkaFeedParts } from './kafka/kafka-feed.js';
export { Relay, type RelayParts, type RelayStatus } from './kafka/relay.js';
export { type KafkaSettings, WrongPartitionCount } from './kafka/settings.js';
export { LogFeed, type LogFeedParts } from './log-feed.js';
export { type CatchUp, type FeedLogger, keyFor, partitionOf, toMessage } from './message.js';
export { isOutage } from './outage.js';
export { type DeadLetter, type FeedPosition, type FeedStatus, feedStatus, redrive } from './status.js';
export type { Tuning } from './worker.js';

/** Tables of the feeds, for each service's schema. */
export const eventFeedMigrations = new URL('./migrations/', import.meta.url);
