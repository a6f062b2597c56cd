-- An operator's batch looks at every end that can be cured, withdrawals too, not only at refusals of the fund.
drop index claims_curable;
create index claims_curable on claims (campaign_id, accepted_position) where curable;
