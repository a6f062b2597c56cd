/** Where Kafka is, and how to be let in. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Before every topic and group, where several platforms share one Kafka. */
  readonly prefix?: string;
  readonly ssl?: boolean;
  readonly sasl?: { readonly username: string; readonly password: string };
}

/** A topic with another number of partitions would tear keys apart: it must be a new topic version. */
export class WrongPartitionCount extends Error {
  readonly code = 'feed.wrong_partition_count';
  constructor(topic: string, actual: number, expected: number) {
    super(`Kafka topic ${topic} has ${actual} partitions instead of ${expected}; use a new topic version instead.`);
    this.name = 'WrongPartitionCount';
  }
}
