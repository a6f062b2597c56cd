import { Inject, Injectable } from '@nestjs/common';
import { isoTime } from '@tsunagu/kernel';
import { DATABASE, PROJECTIONS, Problem, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';

/** Where a claim is found: its entitlement's stream says what it is now. */
export interface ClaimRow {
  readonly claimId: string;
  readonly ownerId: string;
  readonly measureId: string;
  readonly personId: string;
  readonly fundId: string;
  readonly amountPoints: number;
  readonly askedAt: string;
  readonly acceptedPosition: number;
}

interface Row {
  claim_id: string;
  owner_id: string;
  measure_id: string;
  person_id: string;
  fund_id: string;
  amount_points: string;
  asked_at: Date;
  accepted_position: string;
}

const columns = 'claim_id, owner_id, measure_id, person_id, fund_id, amount_points, asked_at, accepted_position';

/** Which claims there are. */
@Injectable()
export class ClaimIndex {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  /** A claim that was ever answered to anybody is found: what is not there is looked for again once the projection has caught up. */
  async find(claimId: string): Promise<ClaimRow | undefined> {
    const where = `select ${columns} from claims where claim_id = $1`;
    return (await this.rows(where, [claimId]))[0] ?? (await this.fresh(where, [claimId]))[0];
  }

  async findByReceipt(receiptNumber: string): Promise<ClaimRow | undefined> {
    const where = `select ${columns} from claims where receipt_number = $1`;
    return (await this.rows(where, [receiptNumber]))[0] ?? (await this.fresh(where, [receiptNumber]))[0];
  }

  /** Whether a person's claim in a programme was granted or still can be. */
  async hasClaimed(programmeId: string, personId: string): Promise<boolean> {
    const upToDate = await Promise.all(['claims', 'campaigns'].map((name) => this.projections.waitFor(name)));
    if (!upToDate.every(Boolean)) throw new Problem({ code: 'service.unavailable' });
    const { rowCount } = await this.database.query(
      `select 1 from claims join campaigns using (campaign_id)
        where claims.person_id = $1 and campaigns.programme_id = $2
          and (claims.state in ('accepted', 'granted') or claims.curable)
        limit 1`,
      [personId, programmeId],
    );
    return rowCount === 1;
  }

  /** A campaign's claims that ended and can still be granted, in receipt order, those accepted after a position. */
  curable(campaignId: string, after: number, limit: number): Promise<readonly ClaimRow[]> {
    return this.fresh(
      `select ${columns} from claims
        where campaign_id = $1 and curable and accepted_position > $2
        order by accepted_position limit $3`,
      [campaignId, after, limit],
    );
  }

  /** The claims of all ids of a person, newest first, those accepted before a position. */
  ofPersons(personIds: readonly string[], before: number | undefined, limit: number): Promise<readonly ClaimRow[]> {
    return this.fresh(
      `select ${columns} from claims
        where person_id = any($1) and ($2::bigint is null or accepted_position < $2)
        order by accepted_position desc limit $3`,
      [personIds, before ?? null, limit],
    );
  }

  /** Claims that wait for identity since before a moment, oldest first, those after one of them. */
  held(beforeMs: number, after: ClaimRow | undefined, limit: number): Promise<readonly ClaimRow[]> {
    return this.rows(
      `select ${columns} from claims
        where state = 'accepted' and held and asked_at < $1
          and ($2::timestamptz is null or (asked_at, claim_id) > ($2, $3::uuid))
        order by asked_at, claim_id limit $4`,
      [isoTime(beforeMs), after?.askedAt ?? null, after?.claimId ?? null, limit],
    );
  }

  /** How many claims wait for identity. */
  async heldCount(): Promise<number> {
    const { rows } = await this.database.query<{ count: string }>(
      `select count(*) as count from claims where state = 'accepted' and held`,
    );
    return Number(rows[0]?.count ?? 0);
  }

  /** Claims that the ledger was asked for before a moment and has not answered, oldest first, those after one of them. */
  overdue(beforeMs: number, after: ClaimRow | undefined, limit: number): Promise<readonly ClaimRow[]> {
    return this.rows(
      `select ${columns} from claims
        where state = 'accepted' and not held and asked_at < $1
          and ($2::timestamptz is null or (asked_at, claim_id) > ($2, $3::uuid))
        order by asked_at, claim_id limit $4`,
      [isoTime(beforeMs), after?.askedAt ?? null, after?.claimId ?? null, limit],
    );
  }

  /** How many claims wait past a moment, and since when the oldest does. */
  async overdueCount(beforeMs: number): Promise<{ count: number; oldestAskedAt: string | null }> {
    const { rows } = await this.database.query<{ count: string; oldest: Date | null }>(
      `select count(*) as count, min(asked_at) as oldest from claims where state = 'accepted' and not held and asked_at < $1`,
      [isoTime(beforeMs)],
    );
    return { count: Number(rows[0]?.count ?? 0), oldestAskedAt: rows[0]?.oldest?.toISOString() ?? null };
  }

  /** After the projection has caught up with the log; an outage where it cannot, because an empty answer would be a lie. */
  private async fresh(sql: string, values: readonly unknown[]): Promise<readonly ClaimRow[]> {
    if (!(await this.projections.waitFor('claims'))) throw new Problem({ code: 'service.unavailable' });
    return this.rows(sql, values);
  }

  private async rows(sql: string, values: readonly unknown[]): Promise<readonly ClaimRow[]> {
    const { rows } = await this.database.query<Row>(sql, [...values]);
    return rows.map((row) => ({
      claimId: row.claim_id,
      ownerId: row.owner_id,
      measureId: row.measure_id,
      personId: row.person_id,
      fundId: row.fund_id,
      amountPoints: Number(row.amount_points),
      askedAt: row.asked_at.toISOString(),
      acceptedPosition: Number(row.accepted_position),
    }));
  }
}
