-- A replaced provider card is a second account of one link: the log says which one counts, by the key of its reference. Rows from
-- before this have none.
alter table link_accounts
  add column reference_key text not null default '',
  drop constraint link_accounts_pkey,
  add primary key (link_id, reference_key);

alter table links add column disputed_at timestamptz;
create index links_disputed on links (disputed_at, link_id) where state = 'disputed';
create index links_over on links (link_id) where state in ('refused', 'ended');

-- Read model: what staff proposed, newest first.
create table link_changes (
  change_id   uuid        primary key,
  owner_id    text        not null,
  state       text        not null,
  proposed_by text        not null,
  decided_by  text,
  proposed_at timestamptz not null,
  change      jsonb       not null,
  -- Where the proposal lies in the log.
  position    bigint      not null unique
);
create index link_changes_by_owner on link_changes (owner_id, position desc);
