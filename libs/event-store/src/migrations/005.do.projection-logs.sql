-- A read model of several logs has a checkpoint for each.
alter table projection_checkpoints
  add column log integer not null default 0,
  alter column position set default 0,
  drop constraint projection_checkpoints_pkey,
  add primary key (name, log);
