-- A challenge that was asked for one act: its nonce is made again from these and from the act that it is used for, and compared.
alter table challenges add column random bytea, add column purpose text;
