/** The five services, as in paths, topics and OpenAPI documents. */
export const serviceNames = ['identity', 'service-link', 'campaign', 'point-ledger', 'exchange-settlement'] as const;
export type ServiceName = (typeof serviceNames)[number];

export const topics = {
  person: 'tsunagu.identity.person-events.v1',
  link: 'tsunagu.service-link.link-events.v1',
  claim: 'tsunagu.campaign.claim-events.v1',
  account: 'tsunagu.point-ledger.account-events.v1',
  exchange: 'tsunagu.exchange-settlement.exchange-events.v1',
} as const;
export type Topic = (typeof topics)[keyof typeof topics];

/** Fixed at creation and checked at start: another count is a new topic version. */
export const partitionCount = 48;
