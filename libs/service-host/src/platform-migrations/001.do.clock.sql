-- What all processes of one platform share: the recorded profile and the test clock's offset.
CREATE TABLE profile (
  only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
  profile     text        NOT NULL CHECK (profile IN ('test', 'production')),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE clock (
  only_row  boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
  offset_ms bigint      NOT NULL,
  -- The value of TSUNAGU_CLOCK that set the offset; the same value again keeps it.
  requested text,
  set_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
