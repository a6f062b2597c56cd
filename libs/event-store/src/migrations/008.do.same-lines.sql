-- As before, and a column in which every line is the same may be given as that one line: a batch of grants has one request,
-- one time, one actor and one owner, and need not send them, nor have them parsed, five hundred times.
create or replace function append_events(
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
  -- What every line says, where one is given for all.
  the_request_id   uuid          := case when cardinality(request_id_list) = 1 then request_id_list[1] end;
  the_type         text          := case when cardinality(type_list) = 1 then type_list[1] end;
  the_version      integer       := case when cardinality(version_list) = 1 then version_list[1] end;
  the_effective_at timestamptz   := case when cardinality(effective_list) = 1 then effective_list[1] end;
  the_actor        text          := case when cardinality(actor_list) = 1 then actor_list[1] end;
  the_owner_id     text          := case when cardinality(owner_list) = 1 then owner_list[1] end;
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
  -- The shorter lists are filled up with nulls.
  insert into events (
    position, stream, revision, event_id, request_id, type, schema_version, effective_at, recorded_at,
    correlation_id, causation_id, actor, owner_id, reads, data)
  select head.position + n, l.stream, l.revision, l.event_id, coalesce(l.request_id, the_request_id),
         coalesce(l.type, the_type), coalesce(l.version, the_version), coalesce(l.effective_at, the_effective_at), stamp,
         l.correlation_id, l.causation_id, coalesce(l.actor, the_actor), coalesce(l.owner_id, the_owner_id),
         l.reads, l.data
    from unnest(
           stream_list, revision_list, event_id_list, request_id_list, type_list, version_list, effective_list,
           correlation_list, causation_list, actor_list, owner_list, reads_list, data_list)
         with ordinality as l (
           stream, revision, event_id, request_id, type, version, effective_at,
           correlation_id, causation_id, actor, owner_id, reads, data, n);
  update log_head set position = head.position + cardinality(stream_list), recorded_at = stamp;
end
$$;

alter function append_events set enable_seqscan = off;
