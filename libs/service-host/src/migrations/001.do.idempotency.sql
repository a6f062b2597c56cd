-- One row a call with an Idempotency-Key. The lease lets a call whose process died be repeated; the stored answer is
-- given again for 30 days.
CREATE TABLE idempotency (
  scope_hash   bytea       PRIMARY KEY,
  request_hash bytea       NOT NULL,
  owner_id     text,
  started_at   timestamptz NOT NULL,
  lease_id     uuid        NOT NULL,
  leased_until timestamptz NOT NULL,
  -- Null while the call runs.
  status       smallint,
  answer       text
);

CREATE INDEX idempotency_started_at ON idempotency (started_at);
