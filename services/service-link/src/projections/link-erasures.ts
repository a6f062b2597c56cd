import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { LinkErasureEvent } from '../domain/link-erasure.js';

/** One row an erased person. */
export const linkErasuresProjection: Projection = {
  name: 'link_erasures',
  tables: ['link_erasures'],
  types: ['LinkErasureBegun', 'LinkErasureCompleted'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & LinkErasureEvent)[]) {
      const { personId, erasureId } = event.data;
      if (event.type === 'LinkErasureBegun') {
        await client.query(
          `insert into link_erasures (person_id, erasure_id, state, position) values ($1, $2, 'begun', $3)`,
          [personId, erasureId, event.position],
        );
      } else await client.query(`update link_erasures set state = 'done' where person_id = $1`, [personId]);
    }
  },
};
