import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { MergeEvent } from '../domain/doubled-grant.js';

/** Ids that mean another person. A few events a day, so a statement each. */
export const personMergesProjection: Projection = {
  name: 'person_merges',
  tables: ['person_merges'],
  types: ['MergeNoted', 'SplitNoted'],
  async apply(client, events) {
    for (const { type, data } of events as readonly (RecordedEvent & MergeEvent)[]) {
      if (type === 'SplitNoted') {
        await client.query('delete from person_merges where merged_person_id = $1', [data.mergedPersonId]);
        continue;
      }
      await client.query(
        `insert into person_merges (merged_person_id, kept_person_id, merge_id) values ($1, $2, $3)
         on conflict (merged_person_id) do update
         set kept_person_id = excluded.kept_person_id, merge_id = excluded.merge_id`,
        [data.mergedPersonId, data.keptPersonId, data.mergeId],
      );
    }
  },
};
