-- A list lies in log 0 and its grants in the logs of their people: whichever is folded first makes the row. Empty until the
-- list's own events are folded: what only they say.
alter table lists
  alter column owner_id drop not null,
  alter column position drop not null,
  alter column is_active drop not null;
