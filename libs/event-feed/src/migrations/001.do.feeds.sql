-- Where a consumer group stands in a topic: the last position whose work is done, by log and partition.
-- partition −1 is the whole log (LogFeed). Every change raises revision; a writer that read an older one has lost the partition.
CREATE TABLE feed_positions (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  log integer NOT NULL,
  partition integer NOT NULL CHECK (partition >= -1),
  position bigint NOT NULL CHECK (position >= 0),
  revision bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer_group, topic, log, partition)
);

-- Messages that could not be worked off ('dead') and the later ones of the same key behind them ('waiting').
-- The event itself stays in the producer's log and is read again from there. A row is never deleted: it ends as 'redriven'.
CREATE TABLE dead_letters (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  log integer NOT NULL,
  partition integer NOT NULL,
  position bigint NOT NULL,
  message_key text NOT NULL,
  event_id uuid NOT NULL,
  event_type text NOT NULL,
  owner_id text,
  state text NOT NULL CHECK (state IN ('dead', 'waiting', 'redriven')),
  error_class text,
  error_code text,
  attempts integer NOT NULL DEFAULT 0,
  first_attempt_at timestamptz,
  last_attempt_at timestamptz,
  redrive_requested_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (consumer_group, topic, log, position)
);

CREATE INDEX dead_letters_open ON dead_letters (consumer_group, topic, message_key, log, position)
  WHERE state <> 'redriven';

-- Where the relay of a log stands, and the last position that it published in each partition.
CREATE TABLE relay_positions (
  topic text NOT NULL,
  log integer NOT NULL,
  position bigint NOT NULL CHECK (position >= 0),
  previous bigint[] NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, log)
);
