import { type CampaignEvent, campaignAsRead, campaignStream, decideClaimAgain } from '@tsunagu/campaign';
import type { DataOf } from '@tsunagu/contracts';
import { domainEvents, type EventLog } from '@tsunagu/event-store';
import { leasesOf, replayGrant, streamsOfGrant } from '@tsunagu/point-ledger';
import type { Progress } from '../progress.js';
import type { Finding } from './finding.js';
import type { Read } from './scan.js';

type GrantOrder = DataOf<'ClaimAccepted'>;

const TOGETHER = 250;

/** Whether an accepted claim comes out the same: the campaign as it was read then, the recorded answers and the recorded time. */
function isSameClaim(accepted: Read, campaignEvents: readonly (Read & CampaignEvent)[]): boolean {
  const recorded = { ...accepted, data: accepted.data as GrantOrder };
  return decideClaimAgain(campaignAsRead(campaignEvents, recorded), recorded).same;
}

/** I6 over whole logs: every accepted claim and every decision of the ledger, decided again in batches. */
export async function checkDecisions(
  logs: { campaign: EventLog; ledger: EventLog },
  accepted: readonly Read[],
  answers: readonly Read[],
  orderOf: (answer: Read) => GrantOrder | undefined,
  progress: Progress,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const total = accepted.length + answers.length;
  for (let start = 0; start < accepted.length; start += TOGETHER) {
    const some = accepted.slice(start, start + TOGETHER);
    const names = [...new Set(some.map(({ data }) => campaignStream(String(data.campaignId))))];
    const streams = await logs.campaign.readStreams(names);
    for (const event of some) {
      const campaignEvents = domainEvents<Read & CampaignEvent>(
        streams.get(campaignStream(String(event.data.campaignId))),
      );
      if (!isSameClaim(event, campaignEvents)) findings.push(differs('campaign', event));
    }
    progress.at(start + some.length, total);
  }
  const funds = new Map<string, readonly string[]>();
  for (let start = 0; start < answers.length; start += TOGETHER) {
    const some = answers.slice(start, start + TOGETHER);
    for (const fundId of new Set(some.map(({ data }) => String(data.fundId)))) {
      if (funds.has(fundId)) continue;
      const stream = `fund-${fundId}`;
      funds.set(fundId, leasesOf((await logs.ledger.readStreams([stream])).get(stream) ?? []));
    }
    const names = new Set<string>();
    for (const event of some) {
      const order = orderOf(event);
      if (!order) continue;
      for (const name of streamsOfGrant(order, event)) names.add(name);
      for (const name of funds.get(String(event.data.fundId)) ?? []) names.add(name);
    }
    const streams = await logs.ledger.readStreams([...names]);
    for (const event of some) {
      const order = orderOf(event);
      if (!order || !replayGrant(order, event, streams).same) findings.push(differs('point-ledger', event));
    }
    progress.at(accepted.length + start + some.length, total);
  }
  return findings;
}

function differs(service: string, event: Read): Finding {
  const detail = `${event.type}: deciding again from what was recorded gives another outcome`;
  return { invariant: 'I6', service, log: event.log, position: event.position, eventId: event.id, detail };
}
