-- Proofs in progress. Unlogged: after a crash of the server they are gone, and whoever held one asks again.
create unlogged table challenges (
  challenge_id uuid        primary key,
  owner_id     text,
  nonce        bytea       not null,
  expires_at   timestamptz not null,
  used_at      timestamptz
);
create index challenges_by_expiry on challenges (expires_at);

-- Tokens that a log-out ended before their time, in the order in which they were ended (see end_session).
create table ended_sessions (
  sequence   bigint      generated always as identity primary key,
  owner_id   text,
  token_id   text        not null unique,
  expires_at timestamptz not null
);

-- One key a person, wrapped by the master key: destroying the row makes everything of the person unreadable.
create table vault_keys (
  person_id uuid  primary key,
  owner_id  text,
  wrapped   bytea not null
);

-- What is known of a person, sealed with that key. kind: attributes, myKeyId.
create table vault_attributes (
  person_id uuid        not null references vault_keys on delete cascade,
  kind      text        not null,
  owner_id  text,
  sealed    bytea       not null,
  read_at   timestamptz not null,
  primary key (person_id, kind)
);

-- One log-out at a time: a sequence number becomes visible only after all smaller ones, so that nobody who reads on from a
-- number misses one.
create function end_session(ended_token_id text, token_expires_at timestamptz) returns void
language sql as $$
  select pg_advisory_xact_lock(hashtext('identity.ended_sessions'));
  insert into ended_sessions (token_id, expires_at) values (ended_token_id, token_expires_at)
  on conflict (token_id) do nothing;
$$;
