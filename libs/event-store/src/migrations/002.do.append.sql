-- The last position of the request that the event at `given` belongs to; the head where `given` lies past it.
-- A request's events are contiguous, so this looks at the rest of one request and one row more.
create function request_end(given bigint) returns bigint
language sql stable as $$
  select coalesce(
    (select e.position - 1
       from events e
      where e.position > given
        and e.request_id <> (select r.request_id from events r where r.position = given)
      order by e.position
      limit 1),
    (select h.position from log_head h))
$$;

-- Inserts a batch of events, given as newline-joined texts (a null is an empty line), at the next positions.
-- `expected_*`: a stream and a revision it must have reached, for expected revisions that the calling process has not
-- read itself; where one is not there nothing is inserted and `first_position` is null.
-- Everything else that could be wrong (a revision taken, an id recorded) violates a unique constraint.
create function append_events(
  clock_time         timestamptz,
  expected_streams   text,
  expected_revisions text,
  streams            text,
  revisions          text,
  event_ids          text,
  request_ids        text,
  types              text,
  schema_versions    text,
  effective_ats      text,
  correlation_ids    text,
  causation_ids      text,
  actors             text,
  owner_ids          text,
  reads              text,
  data               text,
  out first_position bigint)
language plpgsql as $$
declare
  -- Split and cast here, before the lock, so that two connections overlap.
  stream_list      text[]        := string_to_array(streams, E'\n');
  revision_list    integer[]     := string_to_array(revisions, E'\n');
  event_id_list    uuid[]        := string_to_array(event_ids, E'\n');
  request_id_list  uuid[]        := string_to_array(request_ids, E'\n');
  type_list        text[]        := string_to_array(types, E'\n');
  version_list     integer[]     := string_to_array(schema_versions, E'\n');
  effective_list   timestamptz[] := string_to_array(effective_ats, E'\n');
  correlation_list text[]        := string_to_array(correlation_ids, E'\n');
  causation_list   uuid[]        := string_to_array(causation_ids, E'\n', '');
  actor_list       text[]        := string_to_array(actors, E'\n');
  owner_list       text[]        := string_to_array(owner_ids, E'\n', '');
  reads_list       json[]        := string_to_array(reads, E'\n', '');
  data_list        json[]        := string_to_array(data, E'\n');
  head             log_head;
  stamp            timestamptz;
begin
  select * into head from log_head for update;
  stamp := greatest(head.recorded_at, clock_time);

  if expected_streams is not null and exists (
    select from unnest(string_to_array(expected_streams, E'\n'),
                       string_to_array(expected_revisions, E'\n')::integer[]) as expected (stream, revision)
     where not exists (
       select from events e where e.stream = expected.stream collate "C" and e.revision = expected.revision)
  ) then
    return;
  end if;

  first_position := head.position + 1;
  insert into events (
    position, stream, revision, event_id, request_id, type, schema_version, effective_at, recorded_at,
    correlation_id, causation_id, actor, owner_id, reads, data)
  select head.position + n, l.stream, l.revision, l.event_id, l.request_id, l.type, l.version, l.effective_at, stamp,
         l.correlation_id, l.causation_id, l.actor, l.owner_id, l.reads, l.data
    from unnest(
           stream_list, revision_list, event_id_list, request_id_list, type_list, version_list, effective_list,
           correlation_list, causation_list, actor_list, owner_list, reads_list, data_list)
         with ordinality as l (
           stream, revision, event_id, request_id, type, version, effective_at,
           correlation_id, causation_id, actor, owner_id, reads, data, n);
  update log_head set position = head.position + cardinality(stream_list), recorded_at = stamp;
end
$$;

-- Takes the head's lock for the rest of the transaction and tells what is recorded of a batch: `recorded` lists
-- [event id, position, stream], `revisions` [stream, last revision] of the streams that exist.
create function examine_batch(
  event_ids     text,
  streams       text,
  out head      bigint,
  out recorded  json,
  out revisions json)
language plpgsql as $$
begin
  select h.position into head from log_head h for update;
  select json_agg(json_build_array(e.event_id, e.position, e.stream)) into recorded
    from events e
   where e.event_id = any (string_to_array(event_ids, E'\n')::uuid[]);
  select json_agg(json_build_array(named.stream, last.revision)) into revisions
    from unnest(string_to_array(streams, E'\n')) as named (stream),
         lateral (select e.revision
                    from events e
                   where e.stream = named.stream collate "C"
                   order by e.revision desc
                   limit 1) as last;
end
$$;
