import { type Clock, newId } from '@tsunagu/kernel';
import type { Caller } from '@tsunagu/service-host';
import type { Pool } from 'pg';

/** What a person is told of a look at them: never who of the staff it was. */
export interface LookRow {
  readonly lookId: string;
  readonly lookedAt: string;
  readonly role: string;
  /** Whose staff or terminal; null for the platform's own. */
  readonly ownerId: string | null;
  readonly reason: string;
  /** Names of the fields shown; empty for looks of earlier releases. */
  readonly fields: readonly string[];
}

interface Row {
  look_id: string;
  look_number: string;
  looked_at: Date;
  role: string;
  owner_id: string | null;
  reason: string;
  fields: string[];
}

/** Every look at a person or a review by somebody else is on record before they see anything. */
export class Looks {
  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  /** `fields`: names of what is shown, never values. */
  async note(
    { actor, role, ownerId }: Pick<Caller, 'actor' | 'role' | 'ownerId'>,
    at: { readonly personIds?: readonly string[]; readonly reviewId?: string },
    { reason, fields }: { readonly reason: string; readonly fields: readonly string[] },
    correlationId: string,
  ): Promise<void> {
    const now = this.clock.now();
    const personIds = at.personIds?.length ? at.personIds : [null];
    await this.database.query(
      `insert into looks (look_id, owner_id, actor, role, person_id, review_id, reason, correlation_id, looked_at, fields)
       select look_id, $2, $3, $4, person_id, $6, $7, $8, $9, $10
         from unnest($1::uuid[], $5::uuid[]) as looked (look_id, person_id)`,
      [
        personIds.map(() => newId(now)),
        ownerId,
        actor,
        role,
        personIds,
        at.reviewId ?? null,
        reason,
        correlationId,
        new Date(now),
        fields,
      ],
    );
  }

  /** Looks at any of the ids, newest first, those recorded before a number. */
  async page(
    personIds: readonly string[],
    before: number | undefined,
    limit: number,
  ): Promise<{ readonly looks: readonly LookRow[]; readonly next: string | undefined }> {
    const { rows } = await this.database.query<Row>(
      `select look_id, look_number, looked_at, role, owner_id, reason, fields from looks
        where person_id = any($1::uuid[]) and ($2::bigint is null or look_number < $2)
        order by look_number desc limit $3`,
      [personIds, before ?? null, limit + 1],
    );
    const page = rows.slice(0, limit);
    const looks = page.map((row): LookRow => {
      const { look_id: lookId, looked_at: lookedAt, role, owner_id: ownerId, reason, fields } = row;
      return { lookId, lookedAt: lookedAt.toISOString(), role, ownerId, reason, fields };
    });
    return { looks, next: rows.length > limit ? page.at(-1)?.look_number : undefined };
  }
}
