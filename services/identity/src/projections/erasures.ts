import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { ErasureEvent } from '../domain/erasure.js';

/** One row an erasure, for lists and for the job that finishes what was cut off. A few events a day, so a statement each. */
export const erasuresProjection: Projection = {
  name: 'erasures',
  tables: ['erasures'],
  types: ['ErasureProposed', 'ErasureApproved', 'ErasureCompleted'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & ErasureEvent)[]) {
      const { erasureId } = event.data;
      if (event.type === 'ErasureProposed') {
        await client.query(
          `insert into erasures (erasure_id, state, proposed_at, position) values ($1, 'proposed', $2, $3)`,
          [erasureId, event.effectiveAt, event.position],
        );
      } else {
        const state = event.type === 'ErasureApproved' ? 'approved' : 'done';
        await client.query('update erasures set state = $2 where erasure_id = $1', [erasureId, state]);
      }
    }
  },
};
