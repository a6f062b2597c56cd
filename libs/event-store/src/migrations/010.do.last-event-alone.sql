-- The same answer from the last row of a stream alone, read from its end: a quarter cheaper for each stream than two rows and
-- arrays. The limit keeps the planner from joining, as the aggregate did.
create or replace function outdated_events(streams text, revisions text, event_ids text) returns setof uuid
language sql stable
set enable_seqscan = off
as $$
  select known.event_id
    from unnest(string_to_array(streams, E'\n'), string_to_array(revisions, E'\n')::integer[],
                string_to_array(event_ids, E'\n')::uuid[]) as known (stream, revision, event_id)
    left join lateral (select e.revision, e.event_id
                         from events e
                        where e.stream = known.stream and e.revision >= known.revision
                        order by e.revision desc
                        limit 1) as last on true
   where last.revision is distinct from known.revision
      or last.event_id is distinct from known.event_id
$$;
