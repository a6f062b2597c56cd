-- Logins of staff that wait for the person to come back, as in national_logins. Unlogged: after a crash of the server they are begun again.
create unlogged table staff_logins (
  login_id   uuid        primary key,
  owner_id   text,
  -- SHA-256 of the state.
  state_hash bytea       not null,
  -- Nonce, PKCE verifier and the role that was asked for, sealed with a key of the key directory.
  sealed     bytea       not null,
  token_id   text,
  expires_at timestamptz not null,
  used_at    timestamptz
);
create index staff_logins_by_expiry on staff_logins (expires_at);

-- Sessions of staff, who see and end them by session_id: a token's own id is never shown. That one was ended stands in ended_sessions.
-- Logged: they last for hours, and after a crash of the server one that was opened before must still be found to be ended.
create table staff_sessions (
  session_id uuid        primary key,
  owner_id   text        not null,
  token_id   text        not null unique,
  -- A keyed hash of issuer and subject, as it stands in the log's actors.
  subject    text        not null,
  role       text        not null,
  opened_at  timestamptz not null,
  expires_at timestamptz not null
);
create index staff_sessions_by_owner on staff_sessions (owner_id, opened_at);
create index staff_sessions_by_expiry on staff_sessions (expires_at);
