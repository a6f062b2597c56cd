import type { Projection } from '@tsunagu/event-store';
import type { AccountEvent } from '../domain/account.js';

/** Holds without an outcome, by the time at which their owner is to be asked. */
export const openHoldsProjection: Projection = {
  name: 'open-holds',
  tables: ['open_holds'],
  types: ['PointsHeld', 'HoldCaptured', 'HoldReleased'],
  async apply(client, events) {
    const held = new Map<string, object>();
    const ended: string[] = [];
    for (const event of events) {
      const { type, data } = event as unknown as AccountEvent;
      if (type === 'PointsHeld') {
        const ownerIds = [...new Set(data.lots.map((lot) => lot.ownerId))];
        held.set(data.exchangeId, { ...data, ownerIds, heldAt: event.effectiveAt });
      } else if ('exchangeId' in data) {
        held.delete(data.exchangeId);
        ended.push(data.exchangeId);
      }
    }
    if (held.size > 0) await client.query(insert, [JSON.stringify([...held.values()])]);
    if (ended.length > 0) await client.query('delete from open_holds where exchange_id = any ($1::uuid[])', [ended]);
  },
};

const insert = `
  insert into open_holds (exchange_id, person_id, provider_id, owner_ids, points, held_at, ask_owner_at)
  select "exchangeId", "personId", "providerId", array(select json_array_elements_text("ownerIds")), points, "heldAt",
         "askOwnerAt"
    from json_to_recordset($1::json) as hold (
      "exchangeId" uuid, "personId" uuid, "providerId" text, "ownerIds" json, points bigint, "heldAt" timestamptz,
      "askOwnerAt" timestamptz)`;
