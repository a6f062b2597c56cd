import { topics } from '@tsunagu/contracts';
import { type Projection, verifyProjection } from '@tsunagu/event-store';
import { message, type TestAnswer } from '@tsunagu/service-host/testing';
import pg from 'pg';
import { definition } from '../definition.js';
import { accountStream } from '../domain/account.js';
import { doubleEntryProjection } from '../projections/double-entry.js';
import { claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';

/** Longer than the clock is moved. */
const ttlSeconds = 90 * 86_400;

let ledger: TestLedger;
let operator: string;
let finance: string;
let other: string;
/** One fund of the city and what happened to it, from 20 to 23 November 2026. */
let fundId: string;
let personId: string;
let lotId: string;
beforeAll(async () => {
  ledger = await startTestLedger();
  operator = await ledger.token({ role: 'operator', ownerId: 'city', ttlSeconds });
  finance = await ledger.token({ role: 'finance', ownerId: 'city', ttlSeconds });
  other = await ledger.token({ role: 'finance', ownerId: 'ward', ttlSeconds });
  fundId = (await post('funds', { name: '=生活応援', amountPoints: 5_000, fiscalYear: 2026 })).body.fundId;
  await post(`funds/${fundId}/raises`, { amountPoints: 500 });
  personId = someId();
  await ledger.claims(claim({ fundId, personId, pointsExpireAfterMonths: 1 }), claim({ fundId }));
  lotId = (await ledger.account(personId)).body.lots[0]?.lotId ?? '';

  ledger.clock.set('2026-11-21T03:00:00.000Z');
  const exchange = { exchangeId: someId(), personId, providerId: 'sim-pay', points: 300 };
  await ledger.deliver(topics.exchange, [
    message('ExchangeRequested', { ...exchange, linkId: someId(), payingOwnerIds: ['city'] }),
    message('ExchangeConfirmed', exchange),
  ]);

  ledger.clock.set('2026-11-22T03:00:00.000Z');
  const times = { effectiveAt: '2026-11-22T03:00:00.000Z', actor: 'staff:second' };
  await record('GrantReversed', times, { points: 200, receivablePoints: 300, reasonPattern: 'wrong_amount' });
  await record('ReceivableRecorded', times, { receivableId: personId, points: 300 });

  // Recorded on the 23rd, and counts from the 20th.
  ledger.clock.set('2026-11-23T03:00:00.000Z');
  const late = { effectiveAt: '2026-11-20T05:00:00.000Z', actor: 'service:point-ledger' };
  await record('PointsExpired', late, { points: 100, expiresAt: '2026-11-20T05:00:00.000Z' });
  await record('ReceivableWrittenOff', times, { receivableId: personId, points: 300, reasonPattern: 'hardship' });
});
afterAll(() => ledger.close());

const v1 = '/point-ledger/v1';
const get = (path: string, token = finance, accept = 'application/json'): Promise<TestAnswer> =>
  ledger.call('GET', `${v1}/${path}`, { token, headers: { accept } });
const post = (path: string, body: unknown): Promise<TestAnswer> =>
  ledger.call('POST', `${v1}/${path}`, { token: operator, body, headers: { 'idempotency-key': someId() } });

/** Records an event of the person's account as it is. */
async function record(type: string, meta: { effectiveAt: string; actor: string }, data: object): Promise<void> {
  const stream = accountStream(personId);
  const events = (await ledger.log.readStreams([stream])).get(stream) ?? [];
  const about = { personId, lotId, fundId, ownerId: 'city', dryRun: false, ...data };
  const event = { id: someId(), type, correlationId: someId(), causationId: null, ownerId: 'city' };
  const write = { stream, expectedRevision: events.length - 1, events: [{ ...event, ...meta, data: about }] };
  await ledger.log.append([{ writes: [write] }]);
}

describe('the statement of a fund', () => {
  it('shows every figure, with the pattern and the approver of corrections', async () => {
    expect((await get(`funds/${fundId}/statement`)).body).toMatchObject({
      fundId,
      ownerId: 'city',
      fiscalYear: 2026,
      committedPoints: 5_000,
      raisedPoints: 500,
      loweredPoints: 0,
      undrawnPoints: 3_500,
      drawnPoints: 2_000,
      availablePoints: 1_400,
      heldPoints: 0,
      exchangedPoints: 300,
      exchanged: [{ providerId: 'sim-pay', points: 300 }],
      expiredPoints: 100,
      reversedPoints: 200,
      repaidPoints: 0,
      receivables: { recordedPoints: 300, repaidPoints: 0, writtenOffPoints: 300, openPoints: 0 },
      corrections: [
        {
          kind: 'reversal',
          reasonPattern: 'wrong_amount',
          approvedBy: 'staff:second',
          count: 1,
          points: 200,
          receivablePoints: 300,
        },
        { kind: 'write_off', reasonPattern: 'hardship', approvedBy: 'staff:second', points: 300, receivablePoints: 0 },
      ],
      upToDate: true,
    });
  });

  it('is as of any time, by what counts and by what was known', async () => {
    const at = async (query: string) => (await get(`funds/${fundId}/statement?${query}`)).body;
    expect(await at('at=2026-11-20T12:00:00Z')).toMatchObject({
      availablePoints: 1_900,
      expiredPoints: 100,
      exchangedPoints: 0,
      corrections: [],
    });
    expect(await at('at=2026-11-20T12:00:00Z&recordedAt=2026-11-22T12:00:00%2B09:00')).toMatchObject({
      availablePoints: 2_000,
      expiredPoints: 0,
      recordedAt: '2026-11-22T03:00:00.000Z',
    });
    expect(await at('recordedAt=2026-11-22T02:59:59.999Z')).toMatchObject({ reversedPoints: 0, exchangedPoints: 300 });
    expect(await at('at=2026-01-01T00:00:00Z')).toMatchObject({ committedPoints: 0, raisedPoints: 0, drawnPoints: 0 });
  });

  it('comes as a spreadsheet', async () => {
    const { headers, body } = await get(`funds/${fundId}/statement`, finance, 'text/csv');
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).toBe('attachment; filename="fund-statement.csv"');
    expect(body).toContain(',exchanged_with,sim-pay,,,,300,\r\n');
    expect(body).toContain(',reversal,,wrong_amount,staff:second,1,200,300\r\n');
  });

  it('is the owner’s staff’s alone', async () => {
    expect((await get(`funds/${fundId}/statement`, other)).status).toBe(404);
    const [citizen, support] = [
      await ledger.token({ role: 'citizen', subject: personId, ttlSeconds }),
      await ledger.token({ role: 'support', ownerId: 'city', ttlSeconds }),
    ];
    for (const token of [citizen, support]) {
      expect((await get(`funds/${fundId}/statement`, token)).body.code).toBe('auth.role_required');
    }
    for (const id of ['x', someId(), '%00', "'or 1=1"]) {
      expect((await get(`funds/${encodeURIComponent(id)}/statement`)).status).toBe(404);
    }
    for (const query of ['at=yesterday', 'at=2026-11-20', 'recordedAt=%00', 'at=1&at=2', 'unknown=1']) {
      expect((await get(`funds/${fundId}/statement?${query}`)).body.code).toBe('request.invalid');
    }
    expect((await get(`funds/${fundId}/statement?at=9999-12-31T23:59:59Z`)).body.drawnPoints).toBe(2_000);
  });
});

describe('the liability roll-forward', () => {
  const roll = async (query: string) => (await get(`liability-roll-forward?${query}`)).body;

  it('by effective time closes where the next period opens, late records included', async () => {
    const first = await roll('from=2026-11-20&to=2026-11-21');
    expect(first).toMatchObject({
      by: 'effective',
      rows: [
        {
          fundId,
          name: '=生活応援',
          openingPoints: 0,
          grantedPoints: 2_000,
          exchangedPoints: 300,
          expiredPoints: 100,
          reversedPoints: 0,
          closingPoints: 1_600,
        },
      ],
      fiscalYears: [{ fiscalYear: 2026, closingPoints: 1_600 }],
      totals: { openingPoints: 0, closingPoints: 1_600 },
      corrections: [],
      upToDate: true,
    });
    const next = await roll('from=2026-11-22&to=2026-11-23');
    expect(next.rows).toMatchObject([{ openingPoints: 1_600, reversedPoints: 200, closingPoints: 1_400 }]);
    expect(next.corrections).toMatchObject([
      { fundId, kind: 'reversal', reasonPattern: 'wrong_amount', approvedBy: 'staff:second', points: 200 },
      { kind: 'write_off' },
    ]);
    const asKnown = await roll('from=2026-11-20&to=2026-11-21&recordedAt=2026-11-22T00:00:00Z');
    expect(asKnown.totals).toMatchObject({ expiredPoints: 0, closingPoints: 1_700 });
  });

  it('by recorded time keeps a closing as it was, and shows what counts for earlier days apart', async () => {
    const first = await roll('from=2026-11-20&to=2026-11-22&by=recorded');
    expect(first.totals).toMatchObject({ openingPoints: 0, expiredPoints: 0, closingPoints: 1_500 });
    const next = await roll('from=2026-11-23&to=2026-11-23&by=recorded');
    expect(next.totals).toMatchObject({
      openingPoints: 1_500,
      expiredPoints: 0,
      priorPeriods: { grantedPoints: 0, exchangedPoints: 0, expiredPoints: 100, reversedPoints: 0, repaidPoints: 0 },
      closingPoints: 1_400,
    });
  });

  it('is by fund and fiscal year, and comes as a spreadsheet with guarded names', async () => {
    expect((await roll('from=2026-11-20&to=2026-11-23&fiscalYear=2025')).rows).toEqual([]);
    expect((await roll(`from=2026-11-20&to=2026-11-23&fundId=${someId()}`)).rows).toEqual([]);
    expect((await roll(`from=2026-11-20&to=2026-11-23&fiscalYear=2026&fundId=${fundId}`)).rows).toHaveLength(1);
    const { body } = await get('liability-roll-forward?from=2026-11-20&to=2026-11-23', finance, 'text/csv');
    expect(body).toContain(`fund,${fundId},'=生活応援,2026,false,0,2000,300,100,200,0,0,0,0,0,0,0,1400\r\n`);
    expect(body).toContain('total,,,,false,0,2000,300,100,200,0,0,0,0,0,0,0,1400\r\n');
    const theirs = await get('liability-roll-forward?from=2026-11-20&to=2026-11-23', other);
    expect(theirs.body).toMatchObject({ rows: [], fiscalYears: [], totals: { closingPoints: 0 } });
  });

  it('refuses what is no period', async () => {
    for (const query of [
      '',
      'from=2026-11-20',
      'from=2026-11-21&to=2026-11-20',
      'from=2026-02-30&to=2026-03-01',
      'from=1016-11-20&to=2026-11-20',
      'from=2016-01-01&to=2026-11-20',
      'from=2999-01-01&to=3000-01-01',
      'from=%00&to=2026-11-20',
      'from=2026-11-20&to=2026-11-20&by=guess',
      'from=2026-11-20&to=2026-11-20&by=recorded&recordedAt=2026-11-22T00:00:00Z',
      'from=2026-11-20&to=2026-11-20&recordedAt=now',
      'from=2026-11-20&to=2026-11-20&fundId=x',
      'from=2026-11-20&to=2026-11-20&fiscalYear=1',
      'from=2026-11-20&to=2026-11-20&ownerId=ward',
    ]) {
      expect(await get(`liability-roll-forward?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'request.invalid' },
      });
    }
  });
});

describe('the trial balance', () => {
  it('comes as a spreadsheet and agrees with the statement of the fund', async () => {
    const { body } = await get('trial-balance', finance, 'text/csv;q=0.9, application/json;q=0.1');
    expect(body.startsWith('account,debitPoints,creditPoints\r\n')).toBe(true);
    expect(body).toContain(`fund:${fundId}:available,600,2000\r\n`);
    const { totals } = (await get('trial-balance')).body;
    expect(body.endsWith(`total,${totals.debitPoints},${totals.creditPoints}\r\n`)).toBe(true);
  });
});

describe('the expiry forecast', () => {
  it('says what will expire and when, held points apart', async () => {
    const { body } = await get('expiry-forecast');
    expect(body).toMatchObject({ by: 'month', upToDate: true });
    expect(body.rows).toEqual([
      {
        fundId,
        dryRun: false,
        fiscalYear: 2026,
        period: '2026-12',
        lapsed: false,
        availablePoints: 400,
        heldPoints: 0,
      },
      { fundId, dryRun: false, fiscalYear: null, period: null, lapsed: false, availablePoints: 1_000, heldPoints: 0 },
    ]);
    expect((await get('expiry-forecast?by=day')).body.rows[0]).toMatchObject({ period: '2026-12-20' });
    expect((await get(`expiry-forecast?by=fiscal_year&fundId=${fundId}`)).body.rows[0]).toMatchObject({
      period: '2026',
    });
    expect((await get(`expiry-forecast?fundId=${someId()}`)).body.rows).toEqual([]);
    expect((await get('expiry-forecast', other)).body.rows).toEqual([]);
    expect((await get('expiry-forecast', finance, 'text/csv')).body).toContain(
      `${fundId},false,2026,2026-12,false,400,0\r\n`,
    );
    for (const query of ['by=year', 'fundId=1', 'x=1']) {
      expect((await get(`expiry-forecast?${query}`)).body.code).toBe('request.invalid');
    }
    const citizen = await ledger.token({ role: 'citizen', subject: personId, ttlSeconds });
    expect((await get('expiry-forecast', citizen)).status).toBe(403);
  });
});

it('what statements are made of equals a fresh fold of the log, whatever the batches were (I7)', async () => {
  await ledger.waitForProjections();
  const ownerPool = new pg.Pool({ connectionString: ledger.ownerUrl, max: 2 });
  const { log, logs } = ledger;
  const verified = (projection: Projection) =>
    verifyProjection({ ownerPool, schema: definition.schema, logs, projection });
  const oneByOne: Projection = {
    ...doubleEntryProjection,
    async apply(client, events) {
      for (const event of events) await doubleEntryProjection.apply(client, [event]);
    },
  };
  try {
    for (const projection of [doubleEntryProjection, oneByOne]) {
      expect(await verified(projection)).toMatchObject({
        equal: true,
        positions: new Map([[0, await log.head()]]),
      });
    }
    for (const table of doubleEntryProjection.tables) {
      await ledger.pool.query(`update ${table} set points = points + 1`);
      expect(await verified(doubleEntryProjection)).toMatchObject({ equal: false });
      await ledger.pool.query(`update ${table} set points = points - 1`);
    }
  } finally {
    await ownerPool.end();
  }
});
