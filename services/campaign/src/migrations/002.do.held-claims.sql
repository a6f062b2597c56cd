-- Claims that wait for a review of identity: the ledger is not asked, so they are not overdue.
alter table claims add column held boolean not null default false;
drop index claims_waiting;
create index claims_waiting on claims (asked_at, claim_id) where state = 'accepted' and not held;
create index claims_held on claims (asked_at, claim_id) where state = 'accepted' and held;

-- Read model: ids that mean another person since a merge.
create table person_merges (
  merged_person_id uuid   primary key,
  owner_id         text,
  kept_person_id   uuid   not null,
  merge_id         uuid   not null
);
create index person_merges_by_kept on person_merges (kept_person_id);

-- Read model: grants that one person got twice, for reversal.
create table doubled_grants (
  claim_id       uuid        primary key,
  owner_id       text        not null,
  person_id      uuid        not null,
  kept_claim_id  uuid        not null,
  kept_person_id uuid        not null,
  measure_id     uuid        not null,
  campaign_id    uuid        not null,
  amount_points  bigint      not null,
  state          text        not null,
  found_at       timestamptz not null,
  due_at         timestamptz not null,
  -- Where it was found in the log: lists are in this order, newest first.
  position       bigint      not null unique
);
create index doubled_grants_of_owner on doubled_grants (owner_id, state, position);
create index doubled_grants_by_kept on doubled_grants (kept_claim_id);
create index doubled_grants_of_person on doubled_grants (person_id);
