-- Generations of the master key that wraps the keys of persons; the keys themselves lie in the key directory. The newest is never taken
-- out, so that the highest number here is the highest there ever was: no number is used twice.
create table vault_masters (
  generation  integer     primary key check (generation > 0),
  owner_id    text,
  -- A keyed hash made with the key: a file with another key is known for it. Null until the first process has its first generation.
  fingerprint text,
  -- New keys are wrapped with it from then on, the database's time.
  wraps_from  timestamptz not null
);
insert into vault_masters (generation, wraps_from) values (1, '-infinity');

-- One key a person, under which what is kept of their links is sealed. A destroyed key leaves its row: what proves when it went, and
-- that none is ever made again for the person. The reference keeps a generation from being taken out while a key is wrapped by it.
create table vault_keys (
  person_id         uuid        primary key,
  owner_id          text,
  wrapped           bytea,
  master_generation integer     not null references vault_masters,
  destroyed_at      timestamptz,
  constraint destroyed_keys_are_gone check ((wrapped is null) = (destroyed_at is not null))
);
create index vault_keys_by_master on vault_keys (master_generation, person_id);

-- By whose key a row is sealed. Releases before this one sealed with the first master key itself, which master_generation says: null
-- since then.
alter table link_secrets
  add column person_id uuid,
  add column master_generation integer default 1 references vault_masters;
alter table link_accounts
  add column person_id uuid,
  add column master_generation integer default 1 references vault_masters;
update link_secrets set person_id = links.person_id from links where links.link_id = link_secrets.link_id;
update link_accounts set person_id = links.person_id from links where links.link_id = link_accounts.link_id;
create index link_secrets_by_person on link_secrets (person_id);
create index link_accounts_by_person on link_accounts (person_id);
create index link_secrets_by_master on link_secrets (link_id) where master_generation is not null;
create index link_accounts_by_master on link_accounts (link_id) where master_generation is not null;

-- Read model: persons whom identity erased, and whether everything of them is gone here.
create table link_erasures (
  person_id  uuid   primary key,
  owner_id   text,
  erasure_id uuid   not null,
  state      text   not null,
  -- Where it begins in the log: the oldest is worked on first.
  position   bigint not null
);
create index link_erasures_by_erasure on link_erasures (erasure_id);
create index link_erasures_begun on link_erasures (position) where state = 'begun';
create index links_open on links (person_id) where state not in ('refused', 'ended');

-- Kept answers held the address of a provider's page with its state, and the masked name.
update idempotency
   set answer = jsonb_set(
     jsonb_set(answer::jsonb, '{value,authorizationUrl}', 'null', false), '{value,maskedName}', 'null', false)::text
 where answer like '%"authorizationUrl"%' or answer like '%"maskedName"%';
