-- A challenge that was asked for one act: its nonce is made again from these and from the act that it is used for, and compared.
alter table challenges add column random bytea, add column purpose text;

-- What happened at counters and kiosks that staff should look at; a read model of TerminalSignalRaised.
create table signals (
  signal_id        uuid        primary key,
  owner_id         text,
  kind             text        not null,
  terminal_id      text        not null,
  first_person_id  uuid        not null,
  second_person_id uuid        not null,
  interval_seconds integer     not null,
  raised_at        timestamptz not null
);
create index signals_by_owner on signals (owner_id, raised_at desc, signal_id desc);
