-- Assertions that a machine has got a token for, by the hash of client and assertion id: each is good once. Logged, unlike challenges: after a crash none may be used again.
create table client_assertions (
  assertion_hash bytea       primary key,
  owner_id       text,
  expires_at     timestamptz not null
);
create index client_assertions_by_expiry on client_assertions (expires_at);

-- Read model: which machines there are.
create table clients (
  client_id text primary key,
  owner_id  text not null
);
create index clients_by_owner on clients (owner_id, client_id);
