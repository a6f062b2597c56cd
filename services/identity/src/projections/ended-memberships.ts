import type { Pool } from 'pg';
import type { Memberships } from '../workflows/memberships.js';

/** All that a service is told of an id. Why it ended, and whose it was, is not told (DOMAIN §3). */
export interface EndedMembership {
  /** The service's own id, which is valid no longer. */
  readonly serviceId: string;
  readonly invalidFrom: string;
}

export interface EndedPage {
  readonly entries: readonly EndedMembership[];
  /** Where to go on, also when there is nothing new yet. */
  readonly nextCursor: number;
}

/** The feed of a service: its ended memberships in the order of the log. Cursors are positions. */
export class EndedMemberships {
  constructor(
    private readonly database: Pool,
    private readonly memberships: Pick<Memberships, 'textOf'>,
  ) {}

  async page(service: string, cursor: number, since: string, entriesMax: number): Promise<EndedPage> {
    const { rows } = await this.database.query<EndedRow>(
      `select person_id, service_id_ref, ended_position::float8 as ended_position, ended_at from memberships
       where service = $1 and ended_position > $2 and ended_at >= $3
       order by ended_position limit $4`,
      [service, cursor, since, entriesMax],
    );
    const entries = rows.map(async (row): Promise<readonly EndedMembership[]> => {
      const serviceId = await this.memberships.textOf(row.person_id, row.service_id_ref);
      // Erased: there is nothing left to tell.
      return serviceId === undefined ? [] : [{ serviceId, invalidFrom: row.ended_at.toISOString() }];
    });
    return { entries: (await Promise.all(entries)).flat(), nextCursor: rows.at(-1)?.ended_position ?? cursor };
  }

  /** How many are still to be told after a cursor. */
  async after(service: string, cursor: number, since: string): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      `select count(*)::int as count from memberships
       where service = $1 and ended_position > $2 and ended_at >= $3`,
      [service, cursor, since],
    );
    return rows[0]?.count ?? 0;
  }
}

interface EndedRow {
  readonly person_id: string;
  readonly service_id_ref: string;
  readonly ended_position: number;
  readonly ended_at: Date;
}
