import type { ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Review, ReviewKind } from '../domain/review.js';

export interface ReviewRow {
  readonly reviewId: string;
  readonly kind: ReviewKind;
  readonly state: Review['state'];
  readonly openedAt: string;
  readonly position: number;
}

interface Row {
  review_id: string;
  kind: ReviewKind;
  state: Review['state'];
  opened_at: Date;
  position: string;
}

/** Two persons of whom something alike was read. */
export interface LikePair {
  readonly personIds: readonly [earlier: string, later: string];
  /** Where the later one was read, and the earlier one: pairs are in this order. */
  readonly place: readonly [number, number];
}

/** Which reviews there are, and who is alike. */
export class ReviewIndex {
  constructor(
    private readonly database: Pool,
    private readonly projections: ProjectionReader,
  ) {}

  /** Newest first, those opened before a position. */
  async page(state: Review['state'] | undefined, before: number | undefined, limit: number) {
    const upToDate = await this.projections.waitFor('reviews');
    const { rows } = await this.database.query<Row>(
      `select review_id, kind, state, opened_at, position from reviews
        where ($1::text is null or state = $1) and ($2::bigint is null or position < $2)
        order by position desc limit $3`,
      [state ?? null, before ?? null, limit + 1],
    );
    const page = rows.slice(0, limit).map((row): ReviewRow => {
      const { review_id: reviewId, kind, state: now, opened_at: openedAt, position } = row;
      return { reviewId, kind, state: now, openedAt: openedAt.toISOString(), position: Number(position) };
    });
    return { page, upToDate, next: rows.length > limit ? page.at(-1)?.position : undefined };
  }

  /** Pairs after a place, in the order of reading. A pair that shares two things may come twice. */
  async alike(after: LikePair['place'], limit: number): Promise<readonly LikePair[]> {
    const { rows } = await this.database.query<{ earlier: string; later: string; place: string[] }>(
      `select earlier.person_id as earlier, later.person_id as later,
              array[later.position, earlier.position]::text[] as place
         from person_likeness as later
         join person_likeness as earlier
           on earlier.likeness = later.likeness and earlier.position < later.position
          and earlier.person_id <> later.person_id
        where later.position >= $1 and (later.position, earlier.position) > ($1, $2::bigint)
        order by later.position, earlier.position limit $3`,
      [...after, limit],
    );
    return rows.map(({ earlier, later, place: [of = 0, before = 0] }) => {
      return { personIds: [earlier, later], place: [Number(of), Number(before)] };
    });
  }
}
