import { verifyProjection } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import pg from 'pg';
import { definition } from '../definition.js';
import { accountStream } from '../domain/account.js';
import { someId, startTestLedger, type TestLedger } from '../test-ledger.js';
import { lotsProjection } from './lots.js';

let ledger: TestLedger;
let ownerPool: pg.Pool;
beforeAll(async () => {
  ledger = await startTestLedger();
  ownerPool = new pg.Pool({ connectionString: ledger.ownerUrl, max: 2 });
});
afterAll(async () => {
  await ownerPool.end();
  await ledger.close();
});

const fundId = '019ab3f0-6c00-7000-8000-0000000000f1';
const endOf2026 = '2026-12-31T15:00:00.000Z';

/** Records an account's events as they are: what decides them is no matter of a read model. */
async function record(personId: string, events: readonly (readonly [type: string, data: object])[]) {
  const written = events.map(([type, data]) => ({
    id: newId(ledger.clock.now()),
    type,
    effectiveAt: new Date(ledger.clock.now()).toISOString(),
    correlationId: someId(),
    causationId: null,
    actor: 'service:point-ledger',
    ownerId: 'demo',
    data: { personId, ...data },
  }));
  await ledger.log.append([
    { writes: [{ stream: accountStream(personId), expectedRevision: 'noStream', events: written }] },
  ]);
  await ledger.waitForProjections();
}

function granted(lotId: string, amountPoints: number, expiresAt: string | null): readonly [string, object] {
  const ids = { claimId: someId(), campaignId: someId(), measureId: someId() };
  const terms = { ownerId: 'demo', amountPoints, attempt: 1, grantedAt: '2026-11-20T01:00:00.000Z', dryRun: false };
  const kind = { legalClass: 'free', usableFrom: null, batchId: null };
  return ['PointsGranted', { ...ids, lotId, fundId, ...terms, ...kind, expiresAt }];
}

const hold = (type: string, exchangeId: string, lots: readonly (readonly [lotId: string, points: number])[]) =>
  [
    type,
    {
      holdId: someId(),
      exchangeId,
      providerId: 'sim-pay',
      points: lots.reduce((sum, [, points]) => sum + points, 0),
      lots: lots.map(([lotId, points]) => ({ lotId, fundId, ownerId: 'demo', points })),
      askOwnerAt: endOf2026,
    },
  ] as const;

async function left(...lotIds: string[]) {
  const { rows } = await ledger.pool.query(
    `select available_points::int as available, held_points::int as held, expires_at from lots
      where lot_id = any ($1::uuid[]) order by array_position($1::uuid[], lot_id)`,
    [lotIds],
  );
  return rows.map(({ available, held }: { available: number; held: number }) => [available, held]);
}

async function days() {
  const { rows } = await ledger.pool.query(
    `select expires_on::text as day, available_points::int as available, held_points::int as held
       from expiring_points where fund_id = $1 order by expires_on`,
    [fundId],
  );
  return rows.map(({ day, available, held }) => [day, available, held]);
}

it('a lot shows what is left and held of it through all that can happen to it', async () => {
  const [a, b, c] = [someId(), someId(), someId()];
  const [first, second] = [someId(), someId()];
  await record(someId(), [
    granted(a, 1_000, endOf2026),
    granted(b, 500, '2027-01-01T00:00:00.000Z'),
    granted(c, 70, null),
    hold('PointsHeld', first, [
      [a, 1_000],
      [b, 200],
    ]),
  ]);
  expect(await left(a, b, c)).toEqual([
    [0, 1_000],
    [300, 200],
    [70, 0],
  ]);
  expect(await days()).toEqual([
    ['2026-12-31', 0, 1_000],
    ['2027-01-01', 300, 200],
    ['infinity', 70, 0],
  ]);

  const [d, e] = [someId(), someId()];
  await record(someId(), [
    granted(d, 900, endOf2026),
    granted(e, 100, endOf2026),
    hold('PointsHeld', second, [[d, 600]]),
    // Captured in part, the rest released.
    hold('HoldCaptured', second, [[d, 400]]),
    hold('HoldReleased', second, [[d, 200]]),
    [
      'GrantReversed',
      {
        reversalId: someId(),
        lotId: d,
        fundId,
        ownerId: 'demo',
        points: 300,
        receivablePoints: 400,
        reasonPattern: 'fraud',
        dryRun: false,
      },
    ],
    ['ReceivableRepaid', { fundId, payingLotId: e, payingFundId: fundId, payingOwnerId: 'demo', points: 60 }],
    ['PointsExpired', { lotId: e, fundId, ownerId: 'demo', points: 15, dryRun: false }],
    ['LotExtended', { lotId: d, previousExpiresAt: endOf2026, expiresAt: '2027-02-28T15:00:00.000Z' }],
    ['LotExtended', { lotId: d, previousExpiresAt: '2027-02-28T15:00:00.000Z', expiresAt: '2027-03-31T15:00:00.000Z' }],
  ]);
  expect(await left(d, e)).toEqual([
    [200, 0],
    [25, 0],
  ]);
  expect(await days()).toEqual([
    ['2026-12-31', 25, 1_000],
    ['2027-01-01', 300, 200],
    ['2027-03-31', 200, 0],
    ['infinity', 70, 0],
  ]);
});

it('equals a fresh fold of the log, whatever the batches were', async () => {
  const { log } = ledger;
  const about = { ownerPool, schema: definition.schema, logs: [log], projection: lotsProjection };
  const oneByOne: typeof lotsProjection = {
    ...lotsProjection,
    async apply(client, events) {
      for (const event of events) await lotsProjection.apply(client, [event]);
    },
  };
  for (const projection of [lotsProjection, oneByOne]) {
    expect(await verifyProjection({ ...about, projection })).toMatchObject({
      equal: true,
      positions: new Map([[0, await log.head()]]),
    });
  }
  await ledger.pool.query('update lots set held_points = held_points + 1');
  expect((await verifyProjection(about)).equal).toBe(false);
});
