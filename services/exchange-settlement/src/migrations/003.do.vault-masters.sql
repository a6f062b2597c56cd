-- Generations of the master key that seals bank accounts; the keys themselves lie in the key directory. The newest is never taken out,
-- so that the highest number here is the highest there ever was: no number is used twice.
create table vault_masters (
  generation  integer     primary key check (generation > 0),
  owner_id    text,
  -- A keyed hash made with the key: a file with another key is known for it. Null until the first process has its first generation.
  fingerprint text,
  -- Accounts are sealed with it from then on, the database's time.
  wraps_from  timestamptz not null
);
insert into vault_masters (generation, wraps_from) values (1, '-infinity');

-- Which generation seals an account; releases before this one seal with the first. The reference keeps a generation from being taken
-- out while it seals anything.
alter table bank_accounts add column master_generation integer not null default 1 references vault_masters;
create index bank_accounts_by_master on bank_accounts (master_generation, reference);
