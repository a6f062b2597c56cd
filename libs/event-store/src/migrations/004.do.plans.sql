-- PostgreSQL keeps the plan of a prepared statement until the table is analysed. One that is made in the first moments of a
-- launch, when the table is a page long, reads the whole table; a minute later that is 100,000 events a claim. Every
-- look-up here has an index, so none may be planned without it.

create function events_of_streams(names text) returns setof events
language sql stable
set enable_seqscan = off
as $$
  select * from events where stream = any (string_to_array(names, E'\n'))
$$;

alter function request_end set enable_seqscan = off;
alter function append_events set enable_seqscan = off;
alter function examine_batch set enable_seqscan = off;
