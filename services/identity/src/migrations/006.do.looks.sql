-- Which fields a look showed (names, never values), and in which order looks were recorded: a person reads their own, newest first.
alter table looks add column fields text[] not null default '{}';
alter table looks add column look_number bigint generated always as identity;
drop index looks_at_person;
create index looks_at_person on looks (person_id, look_number);
