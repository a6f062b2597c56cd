-- A destroyed key leaves its row: what proves when it went, and that none is ever made again for the person.
alter table vault_keys alter column wrapped drop not null;
alter table vault_keys add column destroyed_at timestamptz;
alter table vault_keys add constraint destroyed_keys_are_gone check ((wrapped is null) = (destroyed_at is not null));

-- Read model: which erasures there are. What one is, is folded from its stream.
create table erasures (
  erasure_id  uuid        primary key,
  owner_id    text,
  state       text        not null,
  proposed_at timestamptz not null,
  -- Where it was proposed in the log: lists are in this order, newest first.
  position    bigint      not null unique
);
create index erasures_by_state on erasures (state, position);
