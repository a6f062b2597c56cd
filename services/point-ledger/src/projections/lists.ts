import type { DataOf } from '@tsunagu/contracts';
import type { Projection } from '@tsunagu/event-store';
import type { PoolClient } from 'pg';
import type { ListEvent, PersonsAndPoints } from '../domain/list-grant.js';

type Relevant =
  | ListEvent
  | { readonly type: 'PointsGranted'; readonly data: DataOf<'PointsGranted'> }
  | { readonly type: 'GrantRefused'; readonly data: DataOf<'GrantRefused'> }
  | { readonly type: 'GrantReversed'; readonly data: DataOf<'GrantReversed'> };

/** Which lists there are, what was granted by each, and who was refused. */
export const listsProjection: Projection = {
  name: 'lists',
  tables: ['lists', 'list_refusals'],
  types: [
    'ListRegistered',
    'ListStageStarted',
    'ListStageGranted',
    'ListPaused',
    'ListResumed',
    'ListRecallApproved',
    'ListRecalled',
    'PointsGranted',
    'GrantRefused',
    'GrantReversed',
  ],
  async apply(client, events) {
    const batch = new Batch();
    for (const event of events) {
      // A list's own events stand in order with one another, not with the grants that they count.
      batch.take(event as unknown as Relevant, event.position);
    }
    await batch.write(client);
  },
};

/** Whether the list goes on by itself after the event. A paused stage does, once resumed: a needless look finds nothing to do. */
const activity: Partial<Record<Relevant['type'], boolean>> = {
  ListStageStarted: true,
  ListStageGranted: false,
  ListPaused: false,
  ListResumed: true,
  ListRecallApproved: true,
  ListRecalled: false,
};

/** What a batch says of a list; absent where it says nothing of it. */
interface ListChange {
  owner_id?: string;
  position?: number;
  is_active?: boolean;
  granted: PersonsAndPoints;
  reversed: PersonsAndPoints;
}

const none: PersonsAndPoints = { persons: 0, points: 0 };

class Batch {
  private readonly lists = new Map<string, ListChange>();
  private readonly outcomes = new Map<string, object>();

  take(event: Relevant, position: number): void {
    switch (event.type) {
      case 'ListRegistered': {
        const { listId, ownerId } = event.data;
        Object.assign(this.list(listId), { owner_id: ownerId, position, is_active: false });
        return;
      }
      case 'PointsGranted': {
        const { batchId, personId, amountPoints } = event.data;
        if (!batchId) return;
        const list = this.list(batchId);
        list.granted = plusOne(list.granted, amountPoints);
        if (event.data.attempt > 1)
          this.outcomes.set(`${batchId} ${personId}`, { list_id: batchId, person_id: personId });
        return;
      }
      case 'GrantReversed': {
        const { batchId, points, receivablePoints } = event.data;
        if (!batchId) return;
        const list = this.list(batchId);
        list.reversed = plusOne(list.reversed, points + receivablePoints);
        return;
      }
      case 'GrantRefused': {
        const { batchId, personId, attempt, reasonCode, curable } = event.data;
        if (!batchId) return;
        const refusal = { attempt, reason_code: reasonCode, is_curable: curable };
        this.outcomes.set(`${batchId} ${personId}`, { list_id: batchId, person_id: personId, ...refusal });
        return;
      }
      default: {
        const isActive = activity[event.type];
        if (isActive !== undefined) this.list(event.data.listId).is_active = isActive;
      }
    }
  }

  async write(client: PoolClient): Promise<void> {
    const rows = [...this.lists].map(([list_id, { granted, reversed, ...own }]) => ({
      list_id,
      ...own,
      granted_persons: granted.persons,
      granted_points: granted.points,
      reversed_persons: reversed.persons,
      reversed_points: reversed.points,
    }));
    if (rows.length > 0) await client.query(change, [JSON.stringify(rows)]);
    if (this.outcomes.size > 0) {
      const outcomes = JSON.stringify([...this.outcomes.values()]);
      await client.query(forget, [outcomes]);
      await client.query(refuse, [outcomes]);
    }
  }

  private list(listId: string): ListChange {
    const list = this.lists.get(listId) ?? { granted: none, reversed: none };
    this.lists.set(listId, list);
    return list;
  }
}

function plusOne({ persons, points }: PersonsAndPoints, more: number): PersonsAndPoints {
  return { persons: persons + 1, points: points + more };
}

/** One statement in one order: the logs that a list's people lie in are folded at the same time. */
const change = `
  insert into lists (
    list_id, owner_id, position, is_active, granted_persons, granted_points, reversed_persons, reversed_points)
  select list_id, owner_id, position, is_active, granted_persons, granted_points, reversed_persons, reversed_points
    from json_to_recordset($1::json) as list (
      list_id uuid, owner_id text, position bigint, is_active boolean, granted_persons integer, granted_points bigint,
      reversed_persons integer, reversed_points bigint)
   order by list_id
  on conflict (list_id) do update
     set owner_id = coalesce(excluded.owner_id, lists.owner_id),
         position = coalesce(excluded.position, lists.position),
         is_active = coalesce(excluded.is_active, lists.is_active),
         granted_persons = lists.granted_persons + excluded.granted_persons,
         granted_points = lists.granted_points + excluded.granted_points,
         reversed_persons = lists.reversed_persons + excluded.reversed_persons,
         reversed_points = lists.reversed_points + excluded.reversed_points`;

const forget = `
  delete from list_refusals as refusal
   using json_to_recordset($1::json) as outcome (list_id uuid, person_id uuid)
   where refusal.list_id = outcome.list_id and refusal.person_id = outcome.person_id`;

const refuse = `
  insert into list_refusals (list_id, person_id, attempt, reason_code, is_curable)
  select list_id, person_id, attempt, reason_code, is_curable
    from json_to_recordset($1::json) as outcome (
      list_id uuid, person_id uuid, attempt integer, reason_code text, is_curable boolean)
   where reason_code is not null`;
