import { Inject, Injectable } from '@nestjs/common';
import { isoTime } from '@tsunagu/kernel';
import { DATABASE, PROJECTIONS, type ProjectionReader } from '@tsunagu/service-host';
import type { Pool } from 'pg';

/** Campaigns looked at in one round of the clock's job. */
const DUE_MAX = 200;

/** Which campaigns there are. */
@Injectable()
export class CampaignIndex {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
  ) {}

  /** Waits until what was recorded up to now is listed, as long as that takes no more than the usual limit. */
  async settle(): Promise<void> {
    await this.projections.waitFor('campaigns');
  }

  /** Newest first, those drafted before a position. Everybody's apps call this, so it does not wait for the projection: drafting does. */
  async page(before: number | undefined, limit: number) {
    const { rows } = await this.database.query<{ campaign_id: string; position: string }>(
      `select campaign_id, position from campaigns
        where $1::bigint is null or position < $1 order by position desc limit $2`,
      [before ?? null, limit + 1],
    );
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return { campaignIds: page.map((row) => row.campaign_id), nextPosition: last && Number(last.position) };
  }

  /** Campaigns that the clock opens or closes at a moment or has done before, and nobody has recorded it yet. */
  async due(nowMs: number): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ campaign_id: string }>(
      `select campaign_id from campaigns
        where (state = 'scheduled' and opens_at <= $1) or (state in ('open', 'paused') and closes_at <= $1)
        order by opens_at limit $2`,
      [isoTime(nowMs), DUE_MAX],
    );
    return rows.map((row) => row.campaign_id);
  }
}
