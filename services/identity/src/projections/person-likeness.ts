import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { AttributesVerified } from '../domain/person.js';

type Recorded = RecordedEvent<'AttributesVerified', AttributesVerified>;

/** Keyed hashes of what was read of each person; those of earlier readings stay, because a name may have changed. */
export const personLikenessProjection: Projection = {
  name: 'person_likeness',
  tables: ['person_likeness'],
  types: ['AttributesVerified'],
  async apply(client, events) {
    const rows = (events as readonly Recorded[]).flatMap(({ data, position }) =>
      (data.likeness ?? []).map((likeness) => ({ likeness, person_id: data.personId, position })),
    );
    if (rows.length > 0) await client.query(insertRows, [JSON.stringify(rows)]);
  },
};

const insertRows = `
  insert into person_likeness (likeness, person_id, position)
  select likeness, person_id, min(position)
    from json_to_recordset($1::json) as read (likeness text, person_id uuid, position bigint)
   group by likeness, person_id
  on conflict (likeness, person_id) do nothing`;
