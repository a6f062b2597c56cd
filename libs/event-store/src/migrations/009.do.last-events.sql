-- Of the events that somebody remembers as the last ones of their streams, those that are not. Looked up by the index, once a
-- stream, as events_of_streams is and for the same reason: the aggregate keeps the planner from joining instead.
create function outdated_events(streams text, revisions text, event_ids text) returns setof uuid
language sql stable
set enable_seqscan = off
as $$
  select known.event_id
    from unnest(string_to_array(streams, E'\n'), string_to_array(revisions, E'\n')::integer[],
                string_to_array(event_ids, E'\n')::uuid[]) as known (stream, revision, event_id)
   where (select array_agg(event_id)
            from (select e.event_id from events e
                   where e.stream = known.stream and e.revision >= known.revision
                   order by e.revision limit 2) as last)
         is distinct from array[known.event_id]
$$;
