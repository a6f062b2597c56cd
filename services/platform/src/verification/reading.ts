import { type CampaignEvent, campaignStream } from '@tsunagu/campaign';
import { type EventLog, readTogether } from '@tsunagu/event-store';
import { checkFunds, followFunding, leaseOrder, leaseReadBy, type Violation } from '@tsunagu/point-ledger';
import { Progress } from '../progress.js';
import type { Grounds } from './decisions.js';
import { type Finding, placeName } from './finding.js';
import { type KeptRecord, keep, keepRequest, type Read } from './kept.js';
import { LeaseRests } from './lease-rests.js';
import type { checkLists } from './lists.js';
import { checkOrder, scan } from './scan.js';
import type { Spill } from './spill.js';
import { type Store, storeOf } from './stores.js';

/** Of a settlement that was closed: where its close lies. */
export type Closed = Pick<Read, 'stream' | 'position' | 'id'>;

export interface LogsRead {
  /** A line for each log. */
  readonly lines: readonly string[];
  readonly grounds: Grounds;
  readonly closed: readonly Closed[];
  readonly funds: number;
}

interface Reader {
  take(event: Read): void;
  end(): void;
}

/**
 * Reads every log once, in order. What crosses subjects is checked on the way: the order of each log, the funds at the end of
 * every request. What belongs to one subject is put aside, and of the rest only what is small is kept: campaigns, funds, lists
 * and closed settlements.
 */
export async function readLogs(
  stores: ReadonlyMap<string, Store>,
  spill: Spill<KeptRecord>,
  lists: Pick<ReturnType<typeof checkLists>, 'take'>,
  found: (finding: Finding) => void,
): Promise<LogsRead> {
  const campaigns = new Map<string, (Read & CampaignEvent)[]>();
  const closed: Closed[] = [];
  const ledger = readLedger(spill, lists, found);
  const others = (service: string, note: (event: Read) => void = () => {}): Reader => ({
    take(event) {
      note(event);
      keep(spill, service, event);
    },
    end() {},
  });
  const readers: readonly (readonly [string, Reader])[] = [
    ['campaign', others('campaign', (event) => noteCampaign(campaigns, event))],
    [
      'exchange-settlement',
      others('exchange-settlement', ({ type, stream, position, id }) => {
        if (type === 'SettlementClosed') closed.push({ stream, position, id });
      }),
    ],
    ['identity', others('identity')],
    ['service-link', others('service-link')],
    // The ledger last: what the others say of it by then, it has recorded.
    ['point-ledger', ledger],
  ];
  const lines: string[] = [];
  for (const [service, reader] of readers) {
    const { logs } = storeOf(stores, service);
    const orders = logs.map(() => checkOrder(service, found));
    const heads = await readAll(logs, new Progress(`reading ${service}`), (event) => {
      if (orders[event.log]?.take(event)) keepRequest(spill, service, event);
      reader.take(event);
    });
    reader.end();
    for (const [log, head] of heads.entries())
      lines.push(`log   ${placeName(service, log)}: ${head} events, gap-free and in order`);
  }
  const { log, logs } = storeOf(stores, 'point-ledger');
  await ledger.leaseRests.load(logs, (stream) => log.logOf(stream));
  const grounds = { campaigns, funding: ledger.funding, leaseRests: ledger.leaseRests };
  return { lines, grounds, closed, funds: ledger.funds.funds };
}

/** Every event of a service's logs, in an order that the leases of the ledger allow. Gives the last positions. */
async function readAll(logs: readonly EventLog[], progress: Progress, take: (event: Read) => void) {
  const [only] = logs;
  if (only && logs.length === 1) return [await scan(only, progress, take)];
  const order = leaseOrder();
  return readTogether(logs, {
    mayCome: order.mayCome,
    take(event) {
      order.take(event);
      take(event as Read);
    },
    onPage: (read, of) => progress.at(read, of),
  });
}

function noteCampaign(campaigns: Map<string, (Read & CampaignEvent)[]>, event: Read): void {
  if (!event.stream.startsWith(campaignStream(''))) return;
  const known = campaigns.get(event.stream);
  const one = event as Read & CampaignEvent;
  if (known) known.push(one);
  else campaigns.set(event.stream, [one]);
}

/** A request's grants come before their draw, which says what there was to draw from: they are put aside when it is whole. */
function readLedger(
  spill: Spill<KeptRecord>,
  lists: Pick<ReturnType<typeof checkLists>, 'take'>,
  found: (finding: Finding) => void,
) {
  const funds = checkFunds((violation: Violation) => found({ ...violation, service: 'point-ledger' }));
  const funding = followFunding();
  const leaseRests = new LeaseRests();
  let request: Read[] = [];

  function restFor(event: Read): number | null {
    if (event.type === 'PointsGranted') return funding.restDrawn(event.requestId, String(event.data.fundId));
    const own = event.type === 'GrantRefused' ? leaseReadBy(event) : undefined;
    const restPoints = own && funding.restAt(own);
    if (own && restPoints === undefined) leaseRests.want(own);
    return restPoints ?? null;
  }

  function end() {
    for (const event of request) keep(spill, 'point-ledger', event, restFor(event));
    request = [];
  }

  return {
    funds,
    funding,
    leaseRests,
    take(event: Read) {
      const [first] = request;
      if (first && (first.requestId !== event.requestId || first.log !== event.log)) end();
      request.push(event);
      funds.take(event);
      funding.take(event);
      lists.take(event);
    },
    end() {
      end();
      funds.end();
    },
  };
}
