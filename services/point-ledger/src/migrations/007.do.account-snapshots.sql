-- Folded states of long accounts, so that the first read after a restart folds a tail. A cache and no read model: rows may be
-- deleted at any time, and one that does not fit the log is not used.
create table account_snapshots (
  person_id     uuid        primary key,
  log           smallint    not null,
  -- The last event that is folded in, which the reader finds at this place or does without the row.
  revision      integer     not null,
  last_event_id uuid        not null,
  fold_version  integer     not null,
  -- json keeps the text as it was written: the digest is over it.
  account       json        not null,
  digest        text        not null,
  taken_at      timestamptz not null default now()
);

-- Which there are, the newest first.
create index account_snapshots_by_time on account_snapshots (taken_at desc);
