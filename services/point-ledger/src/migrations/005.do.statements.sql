-- What statements are made of, all kept by one projection (double-entry), so that a reader sees one state of the log:
-- the postings, their totals by day and by hour, what changed the funds, and the corrections that staff approved.

-- The new projection folds the log from its beginning, under a name of its own. A process of the release before, which
-- still runs while this one starts, writes the same rows from its own checkpoint: neither disturbs the other.
truncate postings;
delete from projection_checkpoints where name = 'postings';

drop index postings_by_owner;
create index postings_by_effective_time on postings (owner_id, effective_at);
-- No BRIN, though the rows lie in this order: with 20 M of them the planner read the whole table rather than use it.
create index postings_by_recorded_time on postings (owner_id, recorded_at);

-- Sums over whole days in Japan, of what became effective and of what was recorded.
create table posting_days (
  log            smallint not null default 0,
  owner_id       text     not null,
  effective_on   date     not null,
  recorded_on    date     not null,
  debit_account  text     not null,
  credit_account text     not null,
  points         bigint   not null,
  primary key (owner_id, effective_on, recorded_on, debit_account, credit_account, log)
);

-- The same over whole hours: on a launch day millions of postings lie between two midnights.
create table posting_hours (
  log            smallint    not null default 0,
  owner_id       text        not null,
  effective_hour timestamptz not null,
  recorded_hour  timestamptz not null,
  debit_account  text        not null,
  credit_account text        not null,
  points         bigint      not null,
  primary key (owner_id, effective_hour, recorded_hour, debit_account, credit_account, log)
);

create index posting_hours_by_recorded_hour on posting_hours (owner_id, recorded_hour);

-- What a fund's own stream says: commitments and raises, lowerings with their reason, leases and what came back of them.
create table fund_changes (
  log          smallint    not null default 0,
  position     bigint      not null,
  fund_id      uuid        not null,
  owner_id     text        not null,
  kind         text        not null check (kind in ('committed', 'lowered', 'leased', 'returned')),
  reason       text,
  points       bigint      not null,
  name         text,
  fiscal_year  integer,
  budget_code  text,
  dry_run      boolean,
  effective_at timestamptz not null,
  recorded_at  timestamptz not null,
  primary key (log, position)
);

create index fund_changes_by_fund on fund_changes (fund_id, log, position);
create index fund_changes_by_owner on fund_changes (owner_id) where kind = 'committed';

-- Changes of points that staff asked for by a reason of the closed list and a second person approved.
create table corrections (
  log               smallint    not null default 0,
  position          bigint      not null,
  kind              text        not null check (kind in ('reversal', 'write_off')),
  owner_id          text        not null,
  fund_id           uuid        not null,
  points            bigint      not null,
  receivable_points bigint      not null,
  reason_pattern    text        not null,
  approved_by       text,
  effective_at      timestamptz not null,
  recorded_at       timestamptz not null,
  primary key (log, position)
);

create index corrections_by_fund on corrections (owner_id, fund_id);
