import { Counter, Gauge, Registry } from 'prom-client';

/** What Prometheus sees of the feeds of a service. Labels: group (the consuming service) and topic; a relay's log. */
export interface FeedMetrics {
  readonly lag: Gauge<'group' | 'topic'>;
  readonly paused: Gauge<'group' | 'topic'>;
  readonly deadLetters: Gauge<'group' | 'topic'>;
  readonly delivered: Counter<'group' | 'topic'>;
  readonly filled: Counter<'group' | 'topic'>;
  readonly restarts: Counter<'group' | 'topic'>;
  readonly relayed: Counter<'topic' | 'log'>;
  readonly relayPosition: Gauge<'topic' | 'log'>;
}

const known = new WeakMap<Registry, FeedMetrics>();

/** The feed metrics of a registry, made at the first call; without a registry they are counted but shown nowhere. */
export function feedMetrics(registry: Registry = new Registry()): FeedMetrics {
  const made = known.get(registry);
  if (made) return made;
  const registers = [registry];
  const labelNames = ['group', 'topic'] as const;
  const metrics: FeedMetrics = {
    lag: new Gauge({ name: 'tsunagu_feed_lag_positions', help: 'Positions not worked off', labelNames, registers }),
    paused: new Gauge({
      name: 'tsunagu_feed_paused',
      help: '1 while an outage stops the consumer',
      labelNames,
      registers,
    }),
    deadLetters: new Gauge({
      name: 'tsunagu_feed_dead_letters',
      help: 'Keys with a dead letter not re-driven',
      labelNames,
      registers,
    }),
    delivered: new Counter({
      name: 'tsunagu_feed_delivered_messages_total',
      help: 'Messages worked off',
      labelNames,
      registers,
    }),
    filled: new Counter({
      name: 'tsunagu_feed_filled_messages_total',
      help: 'Messages read from the log because Kafka did not bring them',
      labelNames,
      registers,
    }),
    restarts: new Counter({
      name: 'tsunagu_feed_consumer_restarts_total',
      help: 'Restarts of a Kafka consumer that stopped silently',
      labelNames,
      registers,
    }),
    relayed: new Counter({
      name: 'tsunagu_relay_published_messages_total',
      help: 'Messages published to Kafka',
      labelNames: ['topic', 'log'] as const,
      registers,
    }),
    relayPosition: new Gauge({
      name: 'tsunagu_relay_position',
      help: 'Position through which the log is published',
      labelNames: ['topic', 'log'] as const,
      registers,
    }),
  };
  known.set(registry, metrics);
  return metrics;
}
