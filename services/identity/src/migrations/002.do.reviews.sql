-- Tokens by person, so that all sessions of a person can be ended. Unlogged: after a crash of the server the tokens run out by
-- themselves, in at most 30 minutes.
create unlogged table sessions (
  token_id   text        primary key,
  owner_id   text,
  person_id  uuid        not null,
  expires_at timestamptz not null
);
create index sessions_of_person on sessions (person_id);
create index sessions_by_expiry on sessions (expires_at);

-- Every look of staff at a person or a review: who, why, when.
create table looks (
  look_id        uuid        primary key,
  owner_id       text,
  actor          text        not null,
  role           text        not null,
  person_id      uuid,
  review_id      uuid,
  reason         text        not null,
  correlation_id uuid        not null,
  looked_at      timestamptz not null
);
create index looks_at_person on looks (person_id, looked_at);

-- Read model: which reviews there are. What a review is, is folded from its stream.
create table reviews (
  review_id uuid        primary key,
  owner_id  text,
  kind      text        not null,
  state     text        not null,
  opened_at timestamptz not null,
  -- Where it was opened in the log: lists are in this order, newest first.
  position  bigint      not null unique
);
create index reviews_by_state on reviews (state, position);

-- Read model: keyed hashes of what was read of a person, for finding likely doubles.
create table person_likeness (
  likeness  text   not null,
  person_id uuid   not null,
  owner_id  text,
  -- Where it was first read.
  position  bigint not null,
  primary key (likeness, person_id)
);
create index person_likeness_by_position on person_likeness (position);
