-- What a disputed link holds back.
create index exchanges_open_by_link on exchanges (link_id, accepted_at)
  where status in ('requested', 'held', 'submitted', 'outcome_unknown', 'under_review', 'confirmed');
