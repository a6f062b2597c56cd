-- Lists of people to be granted points. The rows are an input: person ids are pseudonymous, as in every event, and nothing
-- else about a person can get in here.

-- Rows of a file that is being validated. Lost when the server crashes, and the validation with them.
create unlogged table list_incoming (
  upload_id     uuid        not null,
  line          integer     not null,
  person_id     uuid        not null,
  amount_points bigint      not null,
  reference     text,
  taken_at      timestamptz not null default now()
);

-- Rows of a file that was found good, numbered from 1 in canonical order: by person.
create table list_rows (
  upload_id     uuid    not null,
  row_number    integer not null,
  person_id     uuid    not null,
  amount_points bigint  not null check (amount_points > 0),
  reference     text,
  line          integer not null,
  primary key (upload_id, row_number)
);

-- What is wrong with a file, by line. No cell of it stands here.
create table list_problems (
  upload_id   uuid    not null,
  ordinal     bigint  generated always as identity,
  line        integer not null,
  column_name text,
  code        text    not null,
  other_line  integer
);

create index list_problems_by_line on list_problems (upload_id, line, ordinal);

-- People of a list to whom something was granted before, as the comparison of that id found them.
create table list_matches (
  comparison_id uuid        not null,
  row_number    integer     not null,
  person_id     uuid        not null,
  kind          text        not null check (kind in ('same_measure', 'other_list')),
  other_list_id uuid,
  granted_at    timestamptz,
  primary key (comparison_id, row_number)
);

-- Read models: folded from the log.

create table lists (
  list_id         uuid    primary key,
  owner_id        text    not null,
  -- Where the list begins in the log: pages are in this order, newest first.
  position        bigint  not null,
  -- Something of it is to be done without a person: a stage runs, or a recall.
  is_active       boolean not null,
  granted_persons integer not null,
  granted_points  bigint  not null,
  reversed_persons integer not null,
  reversed_points bigint  not null
);

create index lists_by_owner on lists (owner_id, position desc);
create index lists_active on lists (list_id) where is_active;

-- People of a list who were refused, with the last reason.
create table list_refusals (
  list_id     uuid    not null,
  person_id   uuid    not null,
  attempt     integer not null,
  reason_code text    not null,
  is_curable  boolean not null,
  primary key (list_id, person_id)
);
