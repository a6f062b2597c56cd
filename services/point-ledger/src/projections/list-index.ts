import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '@tsunagu/service-host';
import type { Pool } from 'pg';

export interface Refusal {
  readonly personId: string;
  readonly reasonCode: string;
  readonly isCurable: boolean;
  readonly attempt: number;
}

/** Reads what the projection of lists keeps (lists.ts). */
@Injectable()
export class ListIndex {
  constructor(@Inject(DATABASE) private readonly database: Pool) {}

  async page(ownerId: string, before: number, limit: number): Promise<readonly { listId: string; position: number }[]> {
    const { rows } = await this.database.query<{ list_id: string; position: string }>(
      'select list_id, position from lists where owner_id = $1 and position < $2 order by position desc limit $3',
      [ownerId, before, limit],
    );
    return rows.map((row) => ({ listId: row.list_id, position: Number(row.position) }));
  }

  async counts(listId: string) {
    const { rows } = await this.database.query<CountsOfTable>(
      `select granted_persons, granted_points, reversed_persons, reversed_points,
              (select count(*)::integer from list_refusals where list_id = $1) as refused_persons
         from lists where list_id = $1`,
      [listId],
    );
    return {
      grantedPersons: rows[0]?.granted_persons ?? 0,
      grantedPoints: Number(rows[0]?.granted_points ?? 0),
      refusedPersons: rows[0]?.refused_persons ?? 0,
      reversedPersons: rows[0]?.reversed_persons ?? 0,
      reversedPoints: Number(rows[0]?.reversed_points ?? 0),
    };
  }

  async refusals(listId: string, after: string, limit: number): Promise<readonly Refusal[]> {
    const { rows } = await this.database.query<RefusalOfTable>(
      `select person_id, reason_code, is_curable, attempt
         from list_refusals where list_id = $1 and person_id > $2 order by person_id limit $3`,
      [listId, after, limit],
    );
    return rows.map((row) => ({
      personId: row.person_id,
      reasonCode: row.reason_code,
      isCurable: row.is_curable,
      attempt: row.attempt,
    }));
  }
}

interface CountsOfTable {
  readonly granted_persons: number;
  readonly granted_points: string;
  readonly refused_persons: number;
  readonly reversed_persons: number;
  readonly reversed_points: string;
}

interface RefusalOfTable {
  readonly person_id: string;
  readonly reason_code: string;
  readonly is_curable: boolean;
  readonly attempt: number;
}
