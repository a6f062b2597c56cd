import { type CampaignEvent, campaignStream, decideClaimAgain } from '@tsunagu/campaign';
import type { DataOf } from '@tsunagu/contracts';
import type { EventLog } from '@tsunagu/event-store';
import { leasesOf, replayGrant, streamsOfGrant } from '@tsunagu/point-ledger';
import type { Finding } from './finding.js';
import type { Read } from './scan.js';

type GrantOrder = DataOf<'ClaimAccepted'>;

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

/** What the campaign and the ledger recorded of some persons, each in the order of its log. */
export interface Recorded {
  readonly accepted: readonly Read[];
  /** The ledger's decisions; a grant with the rest of the lease before its draw. */
  readonly answers: readonly { readonly event: Read; readonly restPoints?: number }[];
  /** Of the claims, by the id of the event that carried it. */
  readonly orders: ReadonlyMap<string, GrantOrder>;
  /** Every event of the persons' accounts, by stream. */
  readonly accounts: ReadonlyMap<string, readonly Read[]>;
}

/** I6: every accepted claim and every decision of the ledger, decided again. Streams of campaigns are read once. */
export function checkDecisions(logs: { campaign: EventLog; ledger: EventLog }) {
  const campaigns = new Map<string, readonly Read[]>();
  const funds = new Map<string, readonly Read[]>();
  const read = async (log: EventLog, known: Map<string, readonly Read[]>, names: readonly string[]) => {
    const missing = [...new Set(names)].filter((name) => !known.has(name));
    for (const [name, events] of await log.readStreams(missing)) known.set(name, events as readonly Read[]);
  };
  return async ({ accepted, answers, orders, accounts }: Recorded): Promise<Finding[]> => {
    const findings: Finding[] = [];
    const nameOf = ({ data }: Read) => campaignStream(String(data.campaignId));
    await read(logs.campaign, campaigns, accepted.map(nameOf));
    for (const event of accepted) {
      if (!redecideClaim(event, campaigns.get(nameOf(event)) ?? []).same) findings.push(differs('campaign', event));
    }
    const known = new Map<string, readonly Read[]>();
    const refusals = answers.filter(({ event }) => event.type === 'GrantRefused');
    await read(
      logs.ledger,
      known,
      refusals.flatMap(({ event }) => Object.keys(event.reads ?? {})),
    );
    await read(
      logs.ledger,
      funds,
      answers.map(({ event }) => `fund-${event.data.fundId}`),
    );
    for (const { event, restPoints } of answers) {
      const order = orders.get(event.causationId ?? '');
      const account = [event.stream, accounts.get(event.stream) ?? []] as const;
      const fund = funds.get(`fund-${event.data.fundId}`) ?? [];
      const streams =
        event.type === 'PointsGranted'
          ? new Map([account, ...asDrawn(event, fund, restPoints)])
          : new Map([...known, account, [`fund-${event.data.fundId}`, fund] as const]);
      if (!order || !replayGrant(order, event, streams).same) findings.push(differs('point-ledger', event));
    }
    return findings;
  };
}

/** Of the fund and the lease, only what a grant was decided on: its terms, and what the lease had left before the draw. */
function asDrawn(grant: Read, fund: readonly Read[], restPoints: number | undefined): [string, readonly Read[]][] {
  const fundId = String(grant.data.fundId);
  const first = fund.slice(0, 1);
  if (restPoints === undefined) return [[`fund-${fundId}`, first]];
  const leaseId = grant.requestId;
  const opened = {
    ...grant,
    type: 'LeaseOpened',
    revision: 0,
    requestId: '',
    data: { leaseId, fundId, slot: 0, points: restPoints },
  };
  const drawn = { ...grant, type: 'FundDrawn', revision: 1, data: { leaseId, fundId, points: 0, grants: 0 } };
  return [
    [`fund-${fundId}`, first],
    [`fundLease-${leaseId}`, [opened, drawn]],
  ];
}

function differs(service: string, event: Read): Finding {
  const detail = `${event.type}: deciding again from what was recorded gives another outcome`;
  return { invariant: 'I6', service, position: event.position, eventId: event.id, detail };
}
