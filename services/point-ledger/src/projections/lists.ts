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

class Batch {
  private readonly registered: object[] = [];
  private readonly active = new Map<string, boolean>();
  private readonly granted = new Map<string, PersonsAndPoints>();
  private readonly reversed = new Map<string, PersonsAndPoints>();
  private readonly outcomes = new Map<string, object>();

  take(event: Relevant, position: number): void {
    switch (event.type) {
      case 'ListRegistered': {
        const { listId, ownerId } = event.data;
        this.registered.push({ list_id: listId, owner_id: ownerId, position });
        return;
      }
      case 'PointsGranted': {
        const { batchId, personId, amountPoints } = event.data;
        if (!batchId) return;
        count(this.granted, batchId, amountPoints);
        if (event.data.attempt > 1)
          this.outcomes.set(`${batchId} ${personId}`, { list_id: batchId, person_id: personId });
        return;
      }
      case 'GrantReversed': {
        const { batchId, points, receivablePoints } = event.data;
        if (batchId) count(this.reversed, batchId, points + receivablePoints);
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
        if (isActive !== undefined) this.active.set(event.data.listId, isActive);
      }
    }
  }

  async write(client: PoolClient): Promise<void> {
    if (this.registered.length > 0) await client.query(register, [JSON.stringify(this.registered)]);
    if (this.active.size > 0) await client.query(activate, [[...this.active.keys()], [...this.active.values()]]);
    if (this.granted.size > 0) await client.query(grant, columnsOf(this.granted));
    if (this.reversed.size > 0) await client.query(reverse, columnsOf(this.reversed));
    if (this.outcomes.size > 0) {
      const outcomes = JSON.stringify([...this.outcomes.values()]);
      await client.query(forget, [outcomes]);
      await client.query(refuse, [outcomes]);
    }
  }
}

function count(sums: Map<string, PersonsAndPoints>, listId: string, points: number) {
  const before = sums.get(listId) ?? { persons: 0, points: 0 };
  sums.set(listId, { persons: before.persons + 1, points: before.points + points });
}

function columnsOf(sums: ReadonlyMap<string, PersonsAndPoints>) {
  const values = [...sums.values()];
  return [[...sums.keys()], values.map(({ persons }) => persons), values.map(({ points }) => points)];
}

const register = `
  insert into lists (list_id, owner_id, position, is_active, granted_persons, granted_points, reversed_persons, reversed_points)
  select list_id, owner_id, position, false, 0, 0, 0, 0
    from json_to_recordset($1::json) as list (list_id uuid, owner_id text, position bigint)`;

const activate = `
  update lists set is_active = changed.is_active
    from unnest($1::uuid[], $2::boolean[]) as changed (list_id, is_active)
   where lists.list_id = changed.list_id`;

const grant = `
  update lists
     set granted_persons = lists.granted_persons + granted.persons, granted_points = lists.granted_points + granted.points
    from unnest($1::uuid[], $2::integer[], $3::bigint[]) as granted (list_id, persons, points)
   where lists.list_id = granted.list_id`;

const reverse = `
  update lists
     set reversed_persons = lists.reversed_persons + reversed.persons,
         reversed_points = lists.reversed_points + reversed.points
    from unnest($1::uuid[], $2::integer[], $3::bigint[]) as reversed (list_id, persons, points)
   where lists.list_id = reversed.list_id`;

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
