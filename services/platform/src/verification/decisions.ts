import { type CampaignEvent, campaignStream, decideClaimAgain } from '@tsunagu/campaign';
import type { DataOf } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import { leasesOf, replayGrant, streamsOfGrant } from '@tsunagu/point-ledger';
import type { Progress } from '../progress.js';
import type { Finding } from './finding.js';
import type { Read } from './scan.js';

type GrantOrder = DataOf<'ClaimAccepted'>;

const TOGETHER = 250;

/** A decision made again from what was recorded, and whether it came out the same. */
export interface Redecided {
  readonly same: boolean;
  readonly recorded: unknown;
  readonly decided: unknown;
}

/** Decides an accepted claim again: the campaign as it was read then, the recorded answers and the recorded time. */
export function redecideClaim(accepted: Read, campaignEvents: readonly Read[]): Redecided {
  const read = accepted.reads?.[campaignStream(String(accepted.data.campaignId))] ?? -1;
  const asRead = campaignEvents.filter(({ revision }) => revision <= read) as unknown as readonly CampaignEvent[];
  const { effectiveAt, type, data } = accepted;
  const { same, outcome, code } = decideClaimAgain(asRead, { type, effectiveAt, data: data as GrantOrder });
  return { same, recorded: data, decided: code ?? outcome };
}

/** The ledger's decision on a claim, made again from the account, the lease and the fund as they stood. */
export async function redecideGrant(ledger: EventLog, order: GrantOrder, recorded: Read): Promise<Redecided> {
  const known = await ledger.readStreams(streamsOfGrant(order, recorded));
  const leases = leasesOf(known.get(`fund-${order.fundId}`) ?? []).filter((stream) => !known.has(stream));
  const streams = new Map([...known, ...(await ledger.readStreams(leases))]);
  const { same, decided } = replayGrant(order, recorded, streams);
  return { same, recorded: recorded.data, decided: decided?.data };
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
      const campaignEvents = (streams.get(campaignStream(String(event.data.campaignId))) ?? []) as readonly Read[];
      if (!redecideClaim(event, campaignEvents).same) findings.push(differs('campaign', event));
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
  return { invariant: 'I6', service, position: event.position, eventId: event.id, detail };
}
