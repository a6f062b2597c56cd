-- How far each read model of the service has come. Moved in the transaction that changes its rows.
create table projection_checkpoints (
  name     text   primary key,
  position bigint not null
);
