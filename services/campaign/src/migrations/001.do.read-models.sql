-- Indexes over the log: which campaigns and claims there are and which of them wait for something. What a campaign or a claim
-- is, is folded from its stream, so an answer is never older than what was answered before.

create table campaigns (
  campaign_id  uuid        primary key,
  owner_id     text        not null,
  programme_id text        not null,
  state        text        not null,
  opens_at     timestamptz not null,
  closes_at    timestamptz not null,
  -- Where the draft lies in the log: lists are in this order, newest first.
  position     bigint      not null unique
);

create index campaigns_by_clock on campaigns (opens_at, closes_at) where state in ('scheduled', 'open', 'paused');

create table claims (
  claim_id          uuid        primary key,
  owner_id          text        not null,
  campaign_id       uuid        not null,
  measure_id        uuid        not null,
  person_id         uuid        not null,
  fund_id           uuid        not null,
  amount_points     bigint      not null,
  receipt_number    text        not null unique,
  state             text        not null,
  attempt           integer     not null,
  reason_code       text,
  curable           boolean     not null,
  -- When the ledger was last asked: at the claim, or when it was reopened.
  asked_at          timestamptz not null,
  accepted_position bigint      not null
);

create index claims_of_person on claims (person_id, accepted_position);
create index claims_waiting on claims (asked_at, claim_id) where state = 'accepted';
create index claims_curable on claims (campaign_id, accepted_position) where state = 'refused' and curable;
