-- Changes of points that need a second person, with what each came to.
create table proposals (
  proposal_id uuid        primary key,
  owner_id    text        not null,
  kind        text        not null,
  state       text        not null check (state in ('proposed', 'approved', 'rejected', 'completed')),
  proposed_by text        not null,
  proposed_at timestamptz not null,
  decided_by  text,
  change      json        not null,
  outcome     json,
  position    bigint      not null
);

create index proposals_by_owner on proposals (owner_id, position desc);
create index proposals_to_carry_out on proposals (position) where state = 'approved';

-- Points that left a fund for another and have not arrived there.
create table carry_overs (
  lowered_id   uuid        primary key,
  from_fund_id uuid        not null,
  to_fund_id   uuid        not null,
  owner_id     text        not null,
  points       bigint      not null,
  lowered_at   timestamptz not null
);

-- What an entry changes of what the person owes.
alter table entries add column receivable_points bigint not null default 0;

-- Progress of jobs over many lots: where each goes on after a stop. No read model: nothing of the log depends on it.
create table lot_jobs (
  -- `expiry`, or an extension's proposal.
  job              text        not null,
  -- What one run is for: a day in Japan, or the proposal.
  run              text        not null,
  after_expires_at timestamptz,
  after_lot_id     uuid,
  -- The lots at hand: chosen, and not known to be done.
  page             json,
  lots             bigint      not null default 0,
  started_at       timestamptz not null,
  changed_at       timestamptz not null,
  finished_at      timestamptz,
  primary key (job, run)
);
