-- What the person typed, sealed, for as long as the link is open: a row here is a link that still has to end.
create table link_secrets (
  link_id    uuid        primary key,
  owner_id   text,
  sealed     bytea       not null,
  created_at timestamptz not null default now()
);

-- What the provider calls the account, sealed, for as long as the link stands.
create table link_accounts (
  link_id  uuid  primary key,
  owner_id text,
  sealed   bytea not null
);

-- Read model: a person's links.
create table links (
  link_id      uuid        primary key,
  owner_id     text,
  person_id    uuid        not null,
  provider_id  text        not null,
  programme_id text        not null,
  state        text        not null,
  reason_code  text,
  requested_at timestamptz not null,
  ended_at     timestamptz
);
create index links_by_person on links (person_id, requested_at desc);
