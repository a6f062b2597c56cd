-- Sealed bank accounts of payees and payers; events name them by reference.
create table bank_accounts (
  reference  uuid        primary key,
  owner_id   text        not null,
  sealed     bytea       not null,
  created_at timestamptz not null default now()
);

-- Read model `providers`.
create table providers (
  provider_id    text   primary key,
  name           text   not null,
  base_url       text   not null,
  unit_points    bigint not null,
  minimum_points bigint not null
);
create table provider_contracts (
  provider_id      text   not null,
  owner_id         text   not null,
  rate_numerator   bigint not null,
  rate_denominator bigint not null,
  primary key (provider_id, owner_id)
);

-- Read model `exchange_book`: exchanges and settlements together, so that one snapshot shows both at one position.
create table book_position (
  id              integer primary key,
  position        bigint  not null,
  -- How far the ledger's log has been seen, by its captures.
  ledger_position bigint  not null
);
create table exchanges (
  exchange_id        uuid        primary key,
  -- The owner that pays, where it is one.
  owner_id           text,
  person_id          uuid        not null,
  link_id            uuid        not null,
  provider_id        text        not null,
  points             bigint      not null,
  provider_points    bigint,
  paying_owner_ids   text[]      not null,
  status             text        not null,
  reason_code        text,
  provider_reference text,
  hold_id            uuid,
  released           boolean     not null default false,
  accepted_at        timestamptz not null,
  requested_at       timestamptz not null,
  credited_at        timestamptz,
  confirmed_at       timestamptz,
  ended_at           timestamptz,
  changed_at         timestamptz not null
);
create index exchanges_by_person on exchanges (person_id, accepted_at desc);
create index exchanges_open on exchanges (status, changed_at)
  where status in ('requested', 'held', 'submitted', 'outcome_unknown', 'under_review', 'confirmed');
create index exchanges_unreleased on exchanges (changed_at)
  where status in ('rejected', 'cancelled') and hold_id is not null and not released;
create index exchanges_by_provider on exchanges (provider_id, confirmed_at);
-- What each owner pays of an exchange.
create table exchange_parts (
  exchange_id     uuid   not null,
  owner_id        text   not null,
  points          bigint not null,
  provider_points bigint not null,
  primary key (exchange_id, owner_id)
);
create table exchange_funds (
  exchange_id uuid   not null,
  owner_id    text   not null,
  fund_id     uuid   not null,
  points      bigint not null,
  primary key (exchange_id, fund_id)
);
create table settlements (
  settlement_id uuid        primary key,
  owner_id      text        not null,
  provider_id   text        not null,
  from_day      date        not null,
  to_day        date        not null,
  state         text        not null,
  -- SettlementClosed as it was recorded.
  close         jsonb       not null,
  approved_by   text,
  closed_at     timestamptz not null
);
create index settlements_by_owner on settlements (owner_id, closed_at desc);
create table settlement_taken (
  exchange_id   uuid not null,
  owner_id      text not null,
  settlement_id uuid not null,
  primary key (exchange_id, owner_id)
);
create table settlement_carried (
  exchange_id uuid not null,
  owner_id    text not null,
  primary key (exchange_id, owner_id)
);
