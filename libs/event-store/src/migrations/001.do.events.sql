-- One plain row an event, in the schema of its service. Names are unqualified: the search path says where.
-- Collation "C": streams compare as bytes, in every database alike.

create table events (
  position       bigint      primary key,
  stream         text        collate "C" not null,
  revision       integer     not null check (revision >= 0),
  event_id       uuid        not null,
  request_id     uuid        not null,
  type           text        collate "C" not null,
  schema_version integer     not null,
  effective_at   timestamptz not null,
  recorded_at    timestamptz not null,
  correlation_id text        not null,
  causation_id   uuid,
  actor          text        not null,
  owner_id       text,
  reads          json,
  -- json, not jsonb: the text stays as it was written, the -> operators work, and an append is cheaper.
  data           json        not null,
  constraint events_stream_revision unique (stream, revision),
  constraint events_event_id unique (event_id)
);

-- The head is read and moved under a row lock inside the transaction that appends: commit order is position order,
-- so a reader that has seen position n can never miss one before it.
create table log_head (
  only_row    boolean     primary key default true check (only_row),
  position    bigint      not null,
  recorded_at timestamptz not null
);

insert into log_head (position, recorded_at) values (0, '1970-01-01T00:00:00Z');
