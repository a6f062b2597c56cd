-- A position names an event within its log only, and events of different logs are folded in any order.

alter table entries
  add column log integer not null default 0,
  drop constraint entries_pkey,
  add primary key (log, position, ordinal);

alter table postings
  add column log integer not null default 0,
  drop constraint postings_pkey,
  add primary key (log, position, ordinal);

-- What each log's leases have drawn of a fund: a draw may be folded before the fund that it is drawn from.
create table fund_draws (
  log          integer not null,
  fund_id      uuid    not null,
  drawn_points bigint  not null,
  primary key (log, fund_id)
);

create index fund_draws_by_fund on fund_draws (fund_id);

insert into fund_draws (log, fund_id, drawn_points)
select 0, fund_id, drawn_points from funds where drawn_points > 0;

alter table funds drop column drawn_points;

-- A lease begins and ends on the fund's stream and on its own: whichever log is folded first makes the row, and it goes
-- when both have ended. Empty until FundLeased is folded: what only that says.
alter table fund_leases
  alter column slot drop not null,
  alter column points drop not null,
  add column is_returned boolean not null default false;
