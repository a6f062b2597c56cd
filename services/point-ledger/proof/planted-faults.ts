import type { AppendRequest, EventLog, NewEvent, RecordedEvent, StreamWrite } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import { accountStream } from '../src/domain/account.js';
import { fundStream } from '../src/domain/fund.js';
import { leaseStreamPrefix } from '../src/domain/lease.js';
import type { PlantedFault } from './world.js';

type Data = Record<string, unknown>;

/** What a fault changes of the calls that pass. */
interface Changes {
  /** Another request, or nothing: it is then answered as if it were recorded. */
  request?(request: AppendRequest, log: EventLog): Promise<AppendRequest | undefined> | AppendRequest | undefined;
  /** What is read of one stream. */
  stream?(name: string, events: readonly RecordedEvent[]): readonly RecordedEvent[];
}

function changing({ request = (same) => same, stream = (_, same) => same }: Changes): PlantedFault {
  return (log) => ({
    log: log.log,
    logOf: (stream) => log.logOf(stream),
    capabilities: log.capabilities,
    async append(requests) {
      const changed = await Promise.all(requests.map((one) => request(one, log)));
      const sent = changed.filter((one) => one !== undefined);
      const outcomes = sent.length === 0 ? [] : [...(await log.append(sent))];
      return changed.map((one) => (one && outcomes.shift()) || { outcome: 'appended', positions: [] });
    },
    async readStreams(names) {
      const found = await log.readStreams(names);
      return new Map([...found].map(([name, events]) => [name, stream(name, events)]));
    },
    outdated: (lastEvents) => log.outdated(lastEvents),
    readLog: (query) => log.readLog(query),
    head: () => log.head(),
    waitForAppend: (after, timeoutMs, signal) => log.waitForAppend(after, timeoutMs, signal),
    close: () => log.close(),
  });
}

/** Changes the events of one type in what is appended; `undefined` leaves the event out. */
function writing(type: string, change: (event: NewEvent<string, Data>) => NewEvent | undefined): PlantedFault {
  return changing({
    request(request) {
      const writes = request.writes
        .map((write) => ({
          ...write,
          events: write.events.flatMap((one) =>
            one.type === type ? (change(one as NewEvent<string, Data>) ?? []) : [one],
          ),
        }))
        .filter(({ events }) => events.length > 0);
      return writes.length === 0 ? undefined : { ...request, writes };
    },
  });
}

const withData = (event: NewEvent<string, Data>, more: Data): NewEvent => ({
  ...event,
  data: { ...event.data, ...more },
});
const as = (event: NewEvent<string, Data>, type: string, more: Data): NewEvent => ({ ...withData(event, more), type });

/** Grants are read with other terms than are recorded. */
function grantsReadAs(more: Data): PlantedFault {
  return changing({
    stream: (name, events) =>
      name.startsWith(accountStream(''))
        ? events.map((one) =>
            one.type === 'PointsGranted' ? { ...one, data: { ...(one.data as Data), ...more } } : one,
          )
        : events,
  });
}

/** Expects of the streams named whatever revision they have: the fence is gone. */
function unfenced(isMeant: (write: StreamWrite) => boolean): PlantedFault {
  return changing({
    async request(request, log) {
      const meant = request.writes.filter(isMeant).map(({ stream }) => stream);
      const found = await log.readStreams(meant);
      const writes = request.writes.map((write) => {
        const length = found.get(write.stream)?.length;
        return length === undefined
          ? write
          : { ...write, expectedRevision: length === 0 ? ('noStream' as const) : length - 1 };
      });
      return { ...request, writes };
    },
  });
}

/** Faults of the ledger, each of which the programmes must find. */
export const plantedFaults: Readonly<Record<string, PlantedFault>> = {
  'grants are not drawn from the lease': writing('FundDrawn', () => undefined),
  'a draw is one point short': writing('FundDrawn', (one) => withData(one, { points: Number(one.data.points) - 1 })),
  'a lot is one point larger than its claim': writing('PointsGranted', (one) =>
    withData(one, { amountPoints: Number(one.data.amountPoints) + 1 }),
  ),
  'the rest of a closed lease does not come back': writing('FundReturned', () => undefined),
  'a lease comes back with all it had': writing('LeaseClosed', (one) =>
    withData(one, { restPoints: Number(one.data.restPoints) + 1 }),
  ),
  'a draw does not see that the lease was closed': unfenced((write) => write.events[0]?.type === 'FundDrawn'),
  'a decision does not see what was decided since its read': unfenced(({ stream }) =>
    stream.startsWith(accountStream('')),
  ),
  'the account is not read before a grant': changing({
    stream: (name, events) => (name.startsWith(accountStream('')) ? [] : events),
  }),
  'ids are not derived from the cause, and the account is read late': changing({
    request: (request) => ({
      ...request,
      writes: request.writes.map((write) => ({
        ...write,
        events: write.events.map((one) =>
          one.type === 'PointsHeld' ? { ...one, id: newId(Date.parse(one.effectiveAt)) } : one,
        ),
      })),
    }),
    stream: (name, events) => (name.startsWith(accountStream('')) ? events.slice(0, 1) : events),
  }),
  'a raise of the fund is not seen': changing({
    stream: (name, events) =>
      name.startsWith(fundStream(''))
        ? events.filter(({ type, revision }) => type !== 'FundCommitted' || revision === 0)
        : events,
  }),
  'what others have under lease counts as gone': changing({
    stream: (name, events) =>
      name.startsWith(leaseStreamPrefix)
        ? events.map((one) =>
            one.type === 'LeaseClosed' ? { ...one, data: { ...(one.data as Data), restPoints: 0 } } : one,
          )
        : events,
  }),
  'a refusal is acknowledged and not recorded': writing('GrantRefused', () => undefined),
  'a hold is acknowledged and not recorded': writing('PointsHeld', () => undefined),
  'a request is recorded in two': changing({
    async request(request, log) {
      const [first, ...rest] = request.writes;
      if (!first || rest.length === 0) return request;
      await log.append([{ writes: rest }]);
      return { writes: [first] };
    },
  }),
  'a captured hold is released': writing('HoldCaptured', (one) => as(one, 'HoldReleased', { reasonCode: 'rejected' })),
  'a released hold is captured': writing('HoldReleased', (one) => as(one, 'HoldCaptured', { providerId: 'sim-pay' })),
  'the rest of a capture in part does not come back': writing('HoldReleased', (one) =>
    one.data.reasonCode === 'credited_in_part' ? undefined : one,
  ),
  'the expiry job records nothing': writing('PointsExpired', (one) => (one.causationId === null ? undefined : one)),
  'a refused grant names another reason': writing('GrantRefused', (one) =>
    withData(one, { reasonCode: 'fund_unknown' }),
  ),
  'lots do not expire': grantsReadAs({ expiresAt: null }),
  'the lot granted last is spent first': changing({
    stream: (name, events) => (name.startsWith(accountStream('')) ? spentBackwards(events) : events),
  }),
  'lots of other payers are spent': grantsReadAs({ ownerId: 'demo' }),
  'dry-run points are spent': grantsReadAs({ dryRun: false }),
  'a grant is taken back and its points stay': writing('GrantReversed', (one) => withData(one, { points: 0 })),
  'what a reversed grant was spent on is not owed': writing('ReceivableRecorded', () => undefined),
  'a debt is not repaid from the next grant': writing('ReceivableRepaid', () => undefined),
  'an extension is acknowledged and not recorded': writing('LotExtended', () => undefined),
  'an extension is a moment too long': writing('LotExtended', (one) =>
    withData(one, { expiresAt: new Date(Date.parse(String(one.data.expiresAt)) + 1).toISOString() }),
  ),
  'a recall does not find its batch': grantsReadAs({ batchId: null }),
  'points under an embargo are spent': grantsReadAs({ usableFrom: null }),
  'a decision counts from a minute ago': writing('PointsGranted', (one) => ({
    ...one,
    effectiveAt: new Date(Date.parse(one.effectiveAt) - 60_000).toISOString(),
  })),
};

function spentBackwards(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  const grants = events.filter(({ type }) => type === 'PointsGranted').reverse();
  return events.map((one) => (one.type === 'PointsGranted' ? (grants.shift() ?? one) : one));
}
