-- Read model: the services with a feed or a webhook, and since when each is on.
create table webhook_services (
  service       text        primary key,
  feed_since    timestamptz,
  webhook_since timestamptz
);

-- How far each service has been told by webhook; no read model: what was delivered stands nowhere else.
create table webhook_deliveries (
  service            text    primary key,
  delivered_position bigint  not null default 0,
  -- Attempts that failed since the last delivery.
  failures           integer not null default 0,
  failing_since      timestamptz,
  fault              text,
  next_attempt_at    timestamptz,
  -- One process delivers to a service at a time: the one that holds the lease.
  lease_id           uuid,
  leased_until       timestamptz
);
