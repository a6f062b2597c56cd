-- Logins begun with the national login, each waiting for the person to come back. Unlogged: after a crash of the server they are
-- gone, and whoever began one begins again.
create unlogged table national_logins (
  login_id   uuid        primary key,
  owner_id   text,
  -- SHA-256 of the state, so that the table alone does not complete a login.
  state_hash bytea       not null,
  -- Nonce and PKCE verifier, sealed with a key of the key directory.
  sealed     bytea       not null,
  -- The session that began it, by its token's id; null without one.
  token_id   text,
  expires_at timestamptz not null,
  used_at    timestamptz
);
create index national_logins_by_expiry on national_logins (expires_at);
