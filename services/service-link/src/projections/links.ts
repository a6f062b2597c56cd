import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { LinkEvent } from '../domain/link.js';

/** One row a link, for a person's list. */
export const linksProjection: Projection = {
  name: 'links',
  tables: ['links'],
  types: [
    'LinkRequested',
    'ProviderConfirmed',
    'LinkEstablished',
    'LinkRefused',
    'LinkDisputed',
    'LinkUpheld',
    'LinkEnded',
  ],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & LinkEvent)[]) {
      const { linkId } = event.data;
      switch (event.type) {
        case 'LinkRequested': {
          const { personId, providerId, programmeId } = event.data;
          await client.query(
            `insert into links (link_id, owner_id, person_id, provider_id, programme_id, state, requested_at)
             values ($1, $2, $3, $4, $5, 'requested', $6)`,
            [linkId, event.ownerId, personId, providerId, programmeId, event.effectiveAt],
          );
          break;
        }
        case 'ProviderConfirmed':
          if (event.data.awaitsPerson)
            await client.query(`update links set state = 'awaiting_confirmation' where link_id = $1`, [linkId]);
          break;
        case 'LinkEstablished':
          await client.query(`update links set state = 'established', ended_at = $2 where link_id = $1`, [
            linkId,
            event.effectiveAt,
          ]);
          break;
        case 'LinkDisputed':
          await client.query(`update links set state = 'disputed', disputed_at = $2 where link_id = $1`, [
            linkId,
            event.effectiveAt,
          ]);
          break;
        case 'LinkUpheld':
          await client.query(`update links set state = 'established', disputed_at = null where link_id = $1`, [linkId]);
          break;
        case 'LinkEnded':
          await client.query(
            `update links set state = 'ended', reason_code = $2, ended_at = $3, disputed_at = null where link_id = $1`,
            [linkId, event.data.pattern, event.effectiveAt],
          );
          break;
        case 'LinkRefused':
          await client.query(`update links set state = 'refused', reason_code = $2, ended_at = $3 where link_id = $1`, [
            linkId,
            event.data.reasonCode,
            event.effectiveAt,
          ]);
          break;
      }
    }
  },
};
