-- Security codes on their way to a provider, and the wrong ones of the last day. A row is made before the provider is asked and
-- counts until its answer: two processes at once cannot try more than the limit. A right code deletes its row.
create table code_attempts (
  attempt_id      uuid        primary key,
  owner_id        text,
  -- Keyed hash of provider and account id.
  account_key     text        not null,
  person_id       uuid        not null,
  -- Of the caller's token, where it names a terminal.
  terminal_id     text,
  attempted_at    timestamptz not null,
  is_wrong        boolean     not null default false,
  -- A right code came later, or the code was never asked about: the account no longer counts it, the person does.
  account_cleared boolean     not null default false
);
create index code_attempts_by_account on code_attempts (account_key, attempted_at);
create index code_attempts_by_person on code_attempts (person_id, attempted_at);
create index code_attempts_by_terminal on code_attempts (terminal_id, attempted_at) where terminal_id is not null;
create index code_attempts_by_time on code_attempts (attempted_at);
