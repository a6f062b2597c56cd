import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { MemberServiceEvent } from '../domain/member-service.js';

/** One row a service that has had a feed or a webhook: where the deliveries look for whom there may be something to tell. */
export const webhookServicesProjection: Projection = {
  name: 'webhook-services',
  tables: ['webhook_services'],
  types: ['MembershipFeedEnabled', 'MembershipFeedDisabled', 'MembershipWebhookSet', 'MembershipWebhookRemoved'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & MemberServiceEvent)[]) {
      const column = event.type.startsWith('MembershipFeed') ? 'feed_since' : 'webhook_since';
      await client.query(
        `insert into webhook_services (service, ${column}) values ($1, $2)
         on conflict (service) do update set ${column} = excluded.${column}`,
        [event.data.service, 'since' in event.data ? event.data.since : null],
      );
    }
  },
};
