import type { RecordedEvent } from '@tsunagu/event-store';
import { servicePool } from '@tsunagu/service-host';
import { definition } from '../definition.js';
import { type Claim, claim, someId, startTestLedger, type TestLedger, toDecide } from '../test-ledger.js';
import { accountStream, foldAccount } from './account.js';
import { fundStream } from './fund.js';
import { followFunding, fundingFrom, leaseReadBy } from './funding-then.js';
import { leasesOf, replayDecision, replayGrant, streamsOfGrant } from './replay.js';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger.close());

async function replay({ data: order }: Claim, recorded: RecordedEvent) {
  const fund = (await ledger.log.readStreams([fundStream(order.fundId)])).get(fundStream(order.fundId)) ?? [];
  const names = [...streamsOfGrant(order, recorded), ...leasesOf(fund)];
  return replayGrant(order, recorded, await ledger.log.readStreams(names));
}

/** The same from events that were read before: leases of a worker that has ended are brought back meanwhile. */
function replayFrom(events: readonly RecordedEvent[], { data: order }: Claim, recorded: RecordedEvent) {
  return replayGrant(
    order,
    recorded,
    Map.groupBy(events, ({ stream }) => stream),
  );
}

/** As whoever reads the whole log does it: what was at hand is followed along the log, and no stream is read back. */
function replayAlong(events: readonly RecordedEvent[], { data: order }: Claim, recorded: RecordedEvent) {
  const funding = followFunding();
  let restPoints = 0;
  for (const event of events) {
    funding.take(event);
    if (event.requestId === recorded.requestId) restPoints = funding.restDrawn(recorded.requestId, order.fundId);
    const own = event.id === recorded.id && event.type === 'GrantRefused' ? leaseReadBy(recorded) : undefined;
    if (own) restPoints = funding.restAt(own) ?? Number.NaN;
  }
  const account = foldAccount(
    events.filter(({ stream, revision }) => stream === accountStream(order.personId) && revision < recorded.revision),
  );
  const fund = funding.fundAsRead(order.fundId, recorded);
  return replayDecision(account, order, recorded, fundingFrom(fund, recorded, restPoints));
}

it('deciding every recorded decision again gives the recorded outcome (I6)', async () => {
  const [fundId, dryRun] = [await ledger.fund(20_300), await ledger.fund(5_000, { dryRun: true })];
  const [roomy, personId] = [await ledger.fund(10_000), someId()];
  const claims = [
    ...Array.from({ length: 30 }, (_, n) => claim({ fundId, amountPoints: 700 + n, pointsExpireAfterMonths: 3 })),
    claim({ fundId: roomy, personId }),
    claim({ fundId: roomy, personId }),
    claim({ fundId: dryRun }),
    claim({ fundId: dryRun, dryRun: true }),
    claim({ fundId: someId() }),
  ];
  const other = await ledger.worker();
  await Promise.all([ledger.claims(...claims.slice(0, 20)), other.grants.decide(claims.slice(20).map(toDecide))]);
  await other.stop();

  const events = await ledger.events();
  const recorded = events.filter(({ type }) => type === 'PointsGranted' || type === 'GrantRefused');
  expect(recorded).toHaveLength(claims.length);
  const reasons = new Set<string>();
  for (const event of recorded) {
    const order = claims.find(({ id }) => id === event.causationId);
    if (!order) throw new Error('a decision without a cause');
    expect(await replay(order, event)).toMatchObject({ same: true, decided: { type: event.type } });
    expect(replayAlong(events, order, event)).toEqual(replayFrom(events, order, event));
    reasons.add((event.data as { reasonCode?: string }).reasonCode ?? 'granted');
  }
  expect([...reasons].toSorted()).toEqual([
    'already_granted',
    'fund_exhausted',
    'fund_mismatch',
    'fund_unknown',
    'granted',
  ]);
});

it('a grant that the first release recorded, in version 1, is read and decided again as if made today', async () => {
  const order = claim({ fundId: await ledger.fund(10_000) });
  await ledger.claims(order);
  const owner = servicePool({ url: ledger.ownerUrl, schema: definition.schema, connectionsMax: 1 });
  await owner.query(
    `update events set schema_version = 1,
            data = (data::jsonb - 'legalClass' - 'usableFrom' - 'batchId')::json
      where type = 'PointsGranted' and causation_id = $1`,
    [order.id],
  );
  await owner.end();

  const isGrant = ({ type, causationId }: RecordedEvent) => type === 'PointsGranted' && causationId === order.id;
  const query = { after: 0, limit: 10_000 };
  const asRecorded = (await ledger.log.readLog({ ...query, form: 'recorded' })).events.find(isGrant);
  expect(asRecorded).toMatchObject({ schemaVersion: 1 });
  expect(asRecorded?.data).not.toHaveProperty('legalClass');
  const path = `/point-ledger/internal/v1/log?after=${(asRecorded?.position ?? 0) - 1}&limit=1`;
  const told = await ledger.call('GET', path, { token: await ledger.token({ role: 'service', subject: 'campaign' }) });
  expect(told.body.events).toEqual([asRecorded]);

  const event = (await ledger.events()).find(isGrant);
  if (!event) throw new Error('no grant');
  expect(event).toMatchObject({ schemaVersion: 2, data: { legalClass: 'free', usableFrom: null, batchId: null } });
  expect(await replay(order, event)).toMatchObject({ same: true });

  const { body } = await ledger.account(order.data.personId);
  expect(body).toMatchObject({ availablePoints: 1_000, exchangeablePoints: 1_000 });
  await ledger.claims(order);
  expect((await ledger.events()).filter(({ causationId }) => causationId === order.id)).toHaveLength(2);
  expect(await ledger.violations()).toEqual([]);
});

it('a decision that was changed in the log is told', async () => {
  const fundId = await ledger.fund(10_000);
  const order = claim({ fundId });
  await ledger.claims(order);
  const [event] = (await ledger.events()).filter(
    ({ causationId, type }) => causationId === order.id && type !== 'FundDrawn',
  );
  if (!event) throw new Error('no decision');
  const forged = { ...event, data: { ...(event.data as object), amountPoints: 2_000 } };
  expect(await replay(order, forged)).toMatchObject({ same: false });
});
