-- Read models of the ledger. Every row can be folded again from the log; no decision reads them.

create table funds (
  fund_id          uuid        primary key,
  owner_id         text        not null,
  name             text        not null,
  fiscal_year      integer     not null,
  budget_code      text,
  dry_run          boolean     not null,
  committed_points bigint      not null,
  drawn_points     bigint      not null,
  created_at       timestamptz not null,
  -- Where the fund begins in the log: lists are in this order, newest first.
  position         bigint      not null
);

create index funds_by_owner on funds (owner_id, position desc);

-- Leases whose rest is not back on the fund's stream, with the last step that was recorded.
create table fund_leases (
  lease_id   uuid        primary key,
  fund_id    uuid        not null,
  owner_id   text        not null,
  slot       integer     not null,
  points     bigint      not null,
  step       text        not null check (step in ('leased', 'opened', 'closed')),
  changed_at timestamptz not null
);

-- One row a lot that an event moved; position and ordinal name it.
create table entries (
  position       bigint      not null,
  ordinal        smallint    not null,
  person_id      uuid        not null,
  owner_id       text        not null,
  kind           text        not null,
  points         bigint      not null,
  held_points    bigint      not null,
  dry_run_points bigint,
  effective_at   timestamptz not null,
  recorded_at    timestamptz not null,
  event_id       uuid        not null,
  lot_id         uuid        not null,
  claim_id       uuid,
  exchange_id    uuid,
  primary key (position, ordinal)
);

create index entries_by_person on entries (person_id, position desc, ordinal desc);

-- One row a movement: the same points debited and credited, so every row sums to zero.
create table postings (
  position       bigint      not null,
  ordinal        smallint    not null,
  debit_account  text        not null,
  credit_account text        not null,
  points         bigint      not null check (points >= 0),
  owner_id       text        not null,
  fund_id        uuid        not null,
  dry_run        boolean     not null,
  effective_at   timestamptz not null,
  recorded_at    timestamptz not null,
  primary key (position, ordinal)
);

create index postings_by_owner on postings (owner_id);

-- Holds that no outcome has ended.
create table open_holds (
  exchange_id  uuid        primary key,
  person_id    uuid        not null,
  provider_id  text        not null,
  owner_ids    text[]      not null,
  points       bigint      not null,
  held_at      timestamptz not null,
  ask_owner_at timestamptz not null
);

create index open_holds_by_deadline on open_holds (ask_owner_at);
