import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { ReviewEvent } from '../domain/review.js';

/** One row a review, for lists. A few events a day, so a statement each. */
export const reviewsProjection: Projection = {
  name: 'reviews',
  tables: ['reviews'],
  types: ['ReviewOpened', 'ReviewRaised', 'DecisionProposed', 'ReviewDecided'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & ReviewEvent)[]) {
      switch (event.type) {
        case 'ReviewOpened':
          await client.query(
            `insert into reviews (review_id, kind, state, opened_at, position) values ($1, $2, 'open', $3, $4)`,
            [event.data.reviewId, event.data.kind, event.effectiveAt, event.position],
          );
          break;
        case 'ReviewRaised':
          await client.query('update reviews set kind = $2 where review_id = $1', [
            event.data.reviewId,
            event.data.kind,
          ]);
          break;
        default:
          await client.query('update reviews set state = $2 where review_id = $1', [
            event.data.reviewId,
            event.type === 'DecisionProposed' ? 'proposed' : 'decided',
          ]);
      }
    }
  },
};
