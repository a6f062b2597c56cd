-- What a person is shown of their open sessions, and the name by which they end one: a token's own id is never shown. Sessions from
-- before this lack opened_at and how. how: card, login, terminal.
alter table sessions
  add column session_id  uuid not null unique default gen_random_uuid(),
  add column opened_at   timestamptz,
  add column how         text,
  add column terminal_id text;
