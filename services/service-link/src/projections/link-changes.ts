import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { LinkChangeEvent } from '../domain/link-change.js';

/** What staff proposed, by owner. */
export const linkChangesProjection: Projection = {
  name: 'link_changes',
  tables: ['link_changes'],
  types: ['LinkChangeProposed', 'LinkChangeApproved', 'LinkChangeRejected'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & LinkChangeEvent)[]) {
      if (event.type === 'LinkChangeProposed') {
        const { changeId, ownerId, proposedBy, change } = event.data;
        await client.query(
          `insert into link_changes (change_id, owner_id, state, proposed_by, proposed_at, change, position)
           values ($1, $2, 'proposed', $3, $4, $5, $6)`,
          [changeId, ownerId, proposedBy, event.effectiveAt, JSON.stringify(change), event.position],
        );
      } else {
        const state = event.type === 'LinkChangeApproved' ? 'approved' : 'rejected';
        await client.query('update link_changes set state = $2, decided_by = $3 where change_id = $1', [
          event.data.changeId,
          state,
          event.data.by,
        ]);
      }
    }
  },
};
