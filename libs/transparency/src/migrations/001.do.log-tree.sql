-- The Merkle tree over each log of a service (RFC 9162) and the heads signed for it. Nothing here is ever changed or
-- deleted: the service's role may insert and read.

-- Hashes of full subtrees, of every eighth level only, as in C2SP tlog-tiles: a tile is 256 neighbouring hashes of a level,
-- and the levels between two tiles are worked out from one of them. A row is a run of neighbouring hashes of one tile, as
-- one transaction added them: a busy log has one row a tile, a quiet one a row an event.
create table log_tree_runs (
  log    smallint not null,
  level  smallint not null check (level >= 0 and level % 8 = 0),
  -- The index of the first hash on its level.
  first  bigint   not null check (first >= 0),
  hashes bytea    not null check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0),
  primary key (log, level, first)
);

-- Hashes do not compress.
alter table log_tree_runs alter column hashes set storage external;

create table log_heads (
  log       smallint    not null,
  size      bigint      not null,
  signed_at timestamptz not null,
  -- The C2SP checkpoint as it was signed.
  note      text        not null,
  primary key (log, size)
);
