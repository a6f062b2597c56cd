import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { CampaignEvent } from '../domain/campaign.js';

const stateAfter: Readonly<Record<string, string>> = {
  CampaignScheduled: 'scheduled',
  CampaignOpened: 'open',
  CampaignPaused: 'paused',
  CampaignResumed: 'open',
  CampaignClosed: 'closed',
};

/** One row a campaign: for lists, and for what the clock has to do. A few events a day, so a statement each. */
export const campaignsProjection: Projection = {
  name: 'campaigns',
  tables: ['campaigns'],
  types: ['CampaignDrafted', ...Object.keys(stateAfter)],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & CampaignEvent)[]) {
      if (event.type === 'CampaignDrafted') {
        const { campaignId, ownerId, programmeId, opensAt, closesAt } = event.data;
        await client.query(
          `insert into campaigns (campaign_id, owner_id, programme_id, state, opens_at, closes_at, position)
           values ($1, $2, $3, 'draft', $4, $5, $6)`,
          [campaignId, ownerId, programmeId, opensAt, closesAt, event.position],
        );
      } else {
        await client.query('update campaigns set state = $2 where campaign_id = $1', [
          event.data.campaignId,
          stateAfter[event.type],
        ]);
      }
    }
  },
};
