-- Which of a ledger's logs a database holds. Recorded when it is first opened and compared ever after, so that
-- connection strings put in another order are found before a stream is looked for in the wrong place.
create table log_identity (
  only_row  boolean primary key default true check (only_row),
  ledger_id uuid    not null,
  log       integer not null check (log >= 0)
);

-- The routing table, in log 0's database only; here and in log_route_confirmations rows are added and never changed.
create table log_routes (
  version     integer     primary key check (version >= 1),
  valid_from  timestamptz not null,
  logs        integer[]   not null check (cardinality(logs) > 0),
  proposed_at timestamptz not null,
  proposed_by text        not null
);

-- An entry counts from its confirmation on. One that was not confirmed in time never can be.
create table log_route_confirmations (
  version      integer     primary key references log_routes,
  confirmed_at timestamptz not null
);

-- No process routes a key whose time lies past the horizon before it has moved the horizon, and seen the table, again.
-- Its row lock puts every look at the table and every confirmation in one order.
create table log_route_horizon (
  only_row boolean     primary key default true check (only_row),
  horizon  timestamptz not null default '1970-01-01T00:00:00Z'
);

insert into log_route_horizon default values;

-- The running processes: the last version whose logs each has open, and when it said so (the server's clock).
create table log_route_holders (
  process uuid        primary key,
  version integer     not null,
  seen_at timestamptz not null
);
