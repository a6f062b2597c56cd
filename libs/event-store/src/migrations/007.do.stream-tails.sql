-- The events of each stream past a revision, for a reader that has the fold of those before. Looked up by the index, as
-- events_of_streams is and for the same reason.
create function events_after_revisions(names text, revisions text) returns setof events
language sql stable
set enable_seqscan = off
as $$
  select e.*
    from unnest(string_to_array(names, E'\n'), string_to_array(revisions, E'\n')::integer[]) as known (stream, revision)
    join events e on e.stream = known.stream and e.revision > known.revision
$$;
