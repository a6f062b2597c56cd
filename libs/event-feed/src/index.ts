export {
  type Feed,
  type FeedBatch,
  type FeedMessage,
  type FeedSubscription,
  UnprocessableMessage,
} from './contract.js';
