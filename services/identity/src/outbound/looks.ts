import { type Clock, newId } from '@tsunagu/kernel';
import type { Caller } from '@tsunagu/service-host';
import type { Pool } from 'pg';

/** Every look of staff at a person or a review is on record before they see anything. */
export class Looks {
  constructor(
    private readonly database: Pool,
    private readonly clock: Clock,
  ) {}

  async note(
    { actor, role, ownerId }: Pick<Caller, 'actor' | 'role' | 'ownerId'>,
    at: { readonly personIds?: readonly string[]; readonly reviewId?: string },
    reason: string,
    correlationId: string,
  ): Promise<void> {
    const now = this.clock.now();
    const personIds = at.personIds?.length ? at.personIds : [null];
    await this.database.query(
      `insert into looks (look_id, owner_id, actor, role, person_id, review_id, reason, correlation_id, looked_at)
       select look_id, $2, $3, $4, person_id, $6, $7, $8, $9
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
      ],
    );
  }
}
