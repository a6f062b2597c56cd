-- Every lot with what is left of it, and the same points summed by the day on which they expire.
create table lots (
  log              smallint    not null default 0,
  lot_id           uuid        primary key,
  person_id        uuid        not null,
  owner_id         text        not null,
  fund_id          uuid        not null,
  campaign_id      uuid        not null,
  measure_id       uuid        not null,
  -- The list that it was granted by, if it was.
  batch_id         uuid,
  legal_class      text        not null,
  granted_at       timestamptz not null,
  expires_at       timestamptz,
  available_points bigint      not null check (available_points >= 0),
  held_points      bigint      not null check (held_points >= 0),
  dry_run          boolean     not null
);

-- What is left to expire, soonest first, in pages by (expires_at, lot_id).
create index lots_by_expiry on lots (expires_at, lot_id) where available_points + held_points > 0;

-- The last day in Japan on which the points can be used; 'infinity' for those that never expire.
create table expiring_points (
  log              smallint not null default 0,
  owner_id         text     not null,
  fund_id          uuid     not null,
  dry_run          boolean  not null,
  expires_on       date     not null,
  available_points bigint   not null,
  held_points      bigint   not null,
  primary key (log, owner_id, fund_id, dry_run, expires_on)
);
