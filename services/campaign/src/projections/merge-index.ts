import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, PROJECTIONS, Problem, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';

/** A claim of a person who was granted more than once for its measure. */
export interface GrantedTwice {
  readonly claimId: string;
  readonly personId: string;
  readonly keptClaimId: string;
  readonly keptPersonId: string;
  readonly measureId: string;
  readonly campaignId: string;
  readonly amountPoints: number;
  readonly ownerId: string;
}

export interface DoubledGrantRow extends GrantedTwice {
  readonly state: string;
  readonly foundAt: string;
  readonly dueAt: string;
  readonly position: number;
}

interface Row {
  claim_id: string;
  owner_id: string;
  person_id: string;
  kept_claim_id: string;
  kept_person_id: string;
  measure_id: string;
  campaign_id: string;
  amount_points: string;
}

interface FoundRow extends Row {
  state: string;
  found_at: Date;
  due_at: Date;
  position: string;
}

const columns = `claim_id, owner_id, person_id, kept_claim_id, kept_person_id, measure_id, campaign_id, amount_points,
  state, found_at, due_at, position`;

/** Who is one person with whom, and what they were granted twice. */
@Injectable()
export class MergeIndex {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  /** All ids that mean the person whom an id means, this one included, as far as is known here. */
  async idsOf(personId: string): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ person_id: string }>(groupQuery, [personId]);
    return rows.map((row) => row.person_id);
  }

  /** The same with all that is recorded up to now. */
  async idsNow(personId: string): Promise<readonly string[]> {
    await this.caughtUp('person_merges');
    return this.idsOf(personId);
  }

  /** Claims granted besides the one that stays, of all persons or of one; those listed before are left out. */
  async grantedTwice(limit: number): Promise<readonly GrantedTwice[]> {
    for (const name of ['claims', 'person_merges', 'doubled_grants']) await this.caughtUp(name);
    const { rows } = await this.database.query<Row>(twiceQuery, [limit]);
    return rows.map(twiceOf);
  }

  /** Doubled grants of an owner, newest first, those found before a position. */
  async page(ownerId: string, state: string, before: number | undefined, limit: number) {
    await this.caughtUp('doubled_grants');
    return this.found(
      `select ${columns} from doubled_grants
        where owner_id = $1 and state = $2 and ($3::bigint is null or position < $3)
        order by position desc limit $4`,
      [ownerId, state, before ?? null, limit],
    );
  }

  /** Open ones that name a claim on either side. */
  async openWithClaims(claimIds: readonly string[]): Promise<readonly DoubledGrantRow[]> {
    return this.found(
      `select ${columns} from doubled_grants
        where state = 'open' and (claim_id = any($1) or kept_claim_id = any($1))`,
      [claimIds],
    );
  }

  /** Open ones between ids that are not one person any more. */
  async openOf(personIds: readonly string[]): Promise<readonly DoubledGrantRow[]> {
    await this.caughtUp('doubled_grants');
    return this.found(
      `select ${columns} from doubled_grants
        where state = 'open' and (person_id = any($1) or kept_person_id = any($1))`,
      [personIds],
    );
  }

  private async found(sql: string, values: readonly unknown[]): Promise<readonly DoubledGrantRow[]> {
    const { rows } = await this.database.query<FoundRow>(sql, [...values]);
    return rows.map((row) => ({
      ...twiceOf(row),
      state: row.state,
      foundAt: row.found_at.toISOString(),
      dueAt: row.due_at.toISOString(),
      position: Number(row.position),
    }));
  }

  private async caughtUp(projection: string): Promise<void> {
    if (!(await this.projections.waitFor(projection))) throw new Problem({ code: 'service.unavailable' });
  }
}

function twiceOf(row: Row): GrantedTwice {
  return {
    claimId: row.claim_id,
    personId: row.person_id,
    keptClaimId: row.kept_claim_id,
    keptPersonId: row.kept_person_id,
    measureId: row.measure_id,
    campaignId: row.campaign_id,
    amountPoints: Number(row.amount_points),
    ownerId: row.owner_id,
  };
}

/** Up to the person who was kept, then down to all whose ids mean that person. */
const groupQuery = `
  with recursive up as (
    select $1::uuid as person_id
    union
    select merge.kept_person_id from up join person_merges as merge on merge.merged_person_id = up.person_id
  ), kept as (
    select person_id from up
     where not exists (select from person_merges as merge where merge.merged_person_id = up.person_id)
  ), down as (
    select person_id from kept
    union
    select merge.merged_person_id from down join person_merges as merge on merge.kept_person_id = down.person_id
  )
  select person_id from down`;

/** The claim of the person who was kept stays, else the earliest; each other one is a grant too many. */
const twiceQuery = `
  with recursive leads as (
    select merged_person_id as person_id, kept_person_id from person_merges
    union
    select leads.person_id, merge.kept_person_id
      from leads join person_merges as merge on merge.merged_person_id = leads.kept_person_id
  ), ends as (
    select person_id, kept_person_id from leads
     where not exists (select from person_merges as merge where merge.merged_person_id = leads.kept_person_id)
  ), ids as (
    select person_id, kept_person_id from ends
    union
    select kept_person_id, kept_person_id from ends
  ), granted as (
    select claims.*, first_value(claim_id) over same as kept_claim_id, first_value(claims.person_id) over same as kept_person
      from ids join claims using (person_id)
     where claims.state = 'granted'
    window same as (
      partition by ids.kept_person_id, measure_id
      order by (claims.person_id = ids.kept_person_id) desc, accepted_position)
  )
  select claim_id, owner_id, person_id, kept_claim_id, kept_person as kept_person_id, measure_id, campaign_id, amount_points
    from granted
   where claim_id <> kept_claim_id
     and not exists (
       select from doubled_grants as found where found.claim_id = granted.claim_id and found.state in ('open', 'reversed'))
   order by accepted_position limit $1`;
