import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { MembershipEvent } from '../domain/service-membership.js';

/** One row a membership: a person's list, and what a service's feed tells in the order of the log. */
export const membershipsProjection: Projection = {
  name: 'memberships',
  tables: ['memberships'],
  types: ['MembershipRegistered', 'MembershipEnded'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & MembershipEvent)[]) {
      const { service, personId, serviceIdRef } = event.data;
      if (event.type === 'MembershipRegistered') {
        await client.query(
          `insert into memberships (registered_position, owner_id, service, person_id, service_id_ref, registered_at)
           values ($1, $2, $3, $4, $5, $6)`,
          [event.position, event.ownerId, service, personId, serviceIdRef, event.effectiveAt],
        );
      } else {
        await client.query(
          `update memberships set ended_position = $4, ended_at = $5
           where service = $1 and person_id = $2 and service_id_ref = $3 and ended_at is null`,
          [service, personId, serviceIdRef, event.position, event.effectiveAt],
        );
      }
    }
  },
};
