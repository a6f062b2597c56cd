import type { ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Erasure } from '../domain/erasure.js';

export interface ErasureRow {
  readonly erasureId: string;
  readonly state: Erasure['state'];
  readonly proposedAt: string;
}

interface Row {
  erasure_id: string;
  state: Erasure['state'];
  proposed_at: Date;
  position: string;
}

/** Which erasures there are. */
export class ErasureIndex {
  constructor(
    private readonly database: Pool,
    private readonly projections: ProjectionReader,
  ) {}

  /** Newest first, those proposed before a position. */
  async page(state: Erasure['state'] | undefined, before: number | undefined, limit: number) {
    const upToDate = await this.projections.waitFor('erasures');
    const { rows } = await this.database.query<Row>(
      `select erasure_id, state, proposed_at, position from erasures
        where ($1::text is null or state = $1) and ($2::bigint is null or position < $2)
        order by position desc limit $3`,
      [state ?? null, before ?? null, limit + 1],
    );
    const shown = rows.slice(0, limit);
    const page = shown.map((row): ErasureRow => {
      const { erasure_id: erasureId, state: now, proposed_at: proposedAt } = row;
      return { erasureId, state: now, proposedAt: proposedAt.toISOString() };
    });
    return { page, upToDate, next: rows.length > limit ? shown.at(-1)?.position : undefined };
  }

  /** Approved, and not known to be done; the oldest first. */
  async unfinished(limit: number): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ erasure_id: string }>(
      `select erasure_id from erasures where state = 'approved' order by position limit $1`,
      [limit],
    );
    return rows.map((row) => row.erasure_id);
  }
}
