import { createHash } from 'node:crypto';
import { newId } from '@tsunagu/kernel';
import { BankVault, foldSettlement, renderSettlement, type SettlementEvent } from './index.js';
import { account, demo, type SettlementStage, startSettlementStage } from './test-settlement-stage.js';

let stage: SettlementStage;
beforeAll(async () => {
  stage = await startSettlementStage();
});
afterAll(() => stage.service.close());

describe('a close', () => {
  it('takes what was captured in the period, carries what is open, and the files add up', async () => {
    stage.service.clock.set('2026-12-01T01:00:00.000Z');
    await stage.contract('pay');
    const taken = await stage.exchange('pay', [...demo(300), { ownerId: 'demo', points: 200 }], 'captured');
    const shared = await stage.exchange('pay', [...demo(100), { ownerId: 'ward', points: 700 }], 'captured');
    const open = await stage.exchange('pay', demo(900), 'confirmed');
    const unheld = await stage.exchange('pay', demo(400), 'requested');
    await stage.exchange('pay', [{ ownerId: 'ward', points: 500 }], 'captured');
    expect(await stage.close('pay', '2026-12-01', '2026-12-01')).toMatchObject({
      status: 409,
      body: { code: 'settlement.period_not_over' },
    });
    // The day ends at 15:00 UTC; the clock runs, so a few seconds before it.
    stage.service.clock.set('2026-12-01T14:59:45.000Z');
    const last = await stage.exchange('pay', demo(1_000), 'captured');
    stage.service.clock.set('2026-12-01T15:00:00.000Z');
    const next = await stage.exchange('pay', demo(2_000), 'captured');

    const refused = await stage.close('pay', '2026-12-01', '2026-12-01', { openItems: 'refuse' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'settlement.open_items', count: 2 } });
    expect(refused.body.exchangeIds).toEqual([open, unheld]);
    const closed = await stage.close('pay', '2026-12-01', '2026-12-01');
    expect(closed).toMatchObject({
      status: 201,
      body: {
        state: 'closed',
        ownerId: 'demo',
        providerId: 'pay',
        from: '2026-12-01',
        to: '2026-12-01',
        transferDate: '2026-12-03',
        exchangeCount: 3,
        points: 1_600,
        amountYen: 1_600,
        carriedOver: { count: 2, points: 1_300 },
      },
    });
    const { settlementId, files } = closed.body;
    expect(files.map((file: { name: string }) => file.name)).toEqual([
      'exchanges.csv',
      'exchange-funds.csv',
      'statement.csv',
      'zengin.txt',
      'manifest.json',
    ]);
    expect(await stage.get(`/${settlementId}/files/zengin.txt`)).toMatchObject({
      status: 409,
      body: { code: 'settlement.not_approved' },
    });
    const csv = (await stage.bytes(`/${settlementId}/files/exchanges.csv`)).toString('utf8');
    for (const id of [taken, shared, last]) expect(csv).toContain(id);
    for (const id of [open, unheld, next]) expect(csv).not.toContain(id);
    expect(csv).toContain(",'=SP");
    expect((await stage.get(`/${settlementId}`)).body).toEqual(closed.body);
    expect((await stage.get('')).body.settlements[0]).toEqual(closed.body);

    // Stamped a moment before midnight, committed between the close's reading and its append: no call can hit that moment, so the
    // read model is set as it would be.
    const straggler = await stage.exchange('pay', demo(50), 'captured');
    await stage.service.waitForProjections();
    await stage.service.pool.query(
      `update exchanges set confirmed_at = '2026-12-01T14:59:59.999Z' where exchange_id = $1`,
      [straggler],
    );
    // The open one is captured later: the first later close takes both, whatever their day.
    await stage.capture(open, 'pay', demo(900));
    stage.service.clock.set('2027-02-01T01:00:00.000Z');
    const later = await stage.close('pay', '2027-01-10', '2027-01-12');
    expect(later.body).toMatchObject({
      exchangeCount: 2,
      points: 950,
      carriedIn: { count: 2, points: 950 },
      carriedOver: { count: 1, points: 400 },
    });
    const gap = await stage.close('pay', '2026-12-02', '2027-01-09');
    expect(gap.body).toMatchObject({ exchangeCount: 1, points: 2_000, carriedIn: { count: 0, points: 0 } });
    expect(await stage.close('pay', '2026-11-01', '2026-12-01')).toMatchObject({
      status: 409,
      body: { code: 'settlement.overlaps', settlementId },
    });
  });

  it('is approved by a second person, and only then the transfer file is released, byte for byte as listed', async () => {
    stage.service.clock.set('2027-03-01T01:00:00.000Z');
    await stage.contract('second-pay', {}, 'operator');
    await stage.exchange('second-pay', demo(500), 'captured');
    stage.service.clock.set('2027-03-02T01:00:00.000Z');
    const { settlementId, files } = (await stage.close('second-pay', '2027-03-01', '2027-03-01')).body;
    for (const subject of ['finance', 'operator']) {
      expect(await stage.approve(settlementId, subject)).toMatchObject({
        status: 403,
        body: { code: 'settlement.second_person_required' },
      });
    }
    await stage.contract('second-pay', { bankAccount: { ...account, accountNumber: '1' } }, 'changer');
    expect((await stage.approve(settlementId, 'changer')).status).toBe(403);
    expect(await stage.approve(settlementId, 'approver')).toMatchObject({ status: 200, body: { state: 'approved' } });
    expect(await stage.approve(settlementId, 'approver')).toMatchObject({ status: 200, body: { state: 'approved' } });
    for (const file of files as { name: string; sha256: string; bytes: number }[]) {
      const [first, second] = [
        await stage.bytes(`/${settlementId}/files/${file.name}`),
        await stage.bytes(`/${settlementId}/files/${file.name}`),
      ];
      expect(first.equals(second)).toBe(true);
      expect([first.length, createHash('sha256').update(first).digest('hex')]).toEqual([file.bytes, file.sha256]);
    }
    const transfer = (await stage.bytes(`/${settlementId}/files/zengin.txt`)).toString('latin1').split('\r\n');
    expect(transfer.map((line) => line.length)).toEqual([120, 120, 120, 120, 0]);
    // The account as it was at the close, not as it was changed since.
    expect(transfer[1]?.slice(43, 50)).toBe('7654321');
    expect(transfer[1]?.slice(80, 90)).toBe('0000000500');
    const manifest = JSON.parse((await stage.bytes(`/${settlementId}/files/manifest.json`)).toString('utf8'));
    expect(manifest).toMatchObject({ payeeAccountVersion: 1, controlTotals: { amountYen: 500 }, exchangeCount: 1 });
  });

  it('is rendered again from its stream and the vault alone', async () => {
    const { events } = await stage.service.log.readLog({ after: 0, limit: 100_000, types: ['SettlementClosed'] });
    const vault = await BankVault.open(stage.service.pool, stage.service.keyDirectory);
    expect(events.length).toBeGreaterThan(0);
    for (const { stream } of events) {
      const recorded = ((await stage.service.log.readStreams([stream])).get(stream) ??
        []) as unknown as SettlementEvent[];
      const settlement = foldSettlement(recorded);
      await expect(renderSettlement(settlement, vault)).resolves.toHaveLength(settlement.close?.files.length ?? -1);
      const [line] = settlement.lines;
      if (!line) continue;
      const changed = { ...settlement, lines: [{ ...line, points: line.points + 1 }, ...settlement.lines.slice(1)] };
      await expect(renderSettlement(changed, vault)).rejects.toThrow('not as they were listed');
    }
  });

  it('pays nothing where nothing was exchanged', async () => {
    await stage.contract('empty-pay');
    const nothing = { transferDate: null, openItems: null };
    const closed = await stage.close('empty-pay', '2027-01-01', '2027-01-31', nothing);
    expect(closed.body).toMatchObject({ exchangeCount: 0, amountYen: 0 });
    expect(closed.body.files.map((file: { name: string }) => file.name)).not.toContain('zengin.txt');
    expect((await stage.get(`/${closed.body.settlementId}/files/zengin.txt`)).status).toBe(404);
  });

  it('gives one settlement to the same call, and of two overlapping closes at once one wins', async () => {
    await stage.contract('race-pay');
    const [first, again] = [
      await stage.close('race-pay', '2027-01-01', '2027-01-01', {}, 'same'),
      await stage.close('race-pay', '2027-01-01', '2027-01-01', {}, 'same'),
    ];
    expect(again.body).toEqual(first.body);
    const race = await Promise.all(
      Array.from({ length: 8 }, () => stage.close('race-pay', '2027-01-02', '2027-01-05')),
    );
    expect(race.map((answer) => answer.status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  it.each([
    ['a provider without a contract', 'nobody-pay', '2027-01-01', '2027-01-02', {}, 404, 'settlement.provider_unknown'],
    ['a day that does not exist', 'empty-pay', '2027-02-30', '2027-03-01', {}, 400, 'request.invalid'],
    ['a last day before the first', 'empty-pay', '2027-02-02', '2027-02-01', {}, 400, 'request.invalid'],
    [
      'a transfer on a Sunday',
      'empty-pay',
      '2027-02-01',
      '2027-02-01',
      { transferDate: '2027-03-07' },
      422,
      'settlement.transfer_date_invalid',
    ],
    [
      'a transfer far away',
      'empty-pay',
      '2027-02-01',
      '2027-02-01',
      { transferDate: '2027-09-01' },
      422,
      'settlement.transfer_date_invalid',
    ],
  ])('is refused for %s', async (_, providerId, from, to, more, status, code) => {
    expect(await stage.close(providerId, from, to, more)).toMatchObject({ status, body: { code } });
  });

  it('belongs to its owner', async () => {
    const [settlement] = (await stage.get('')).body.settlements;
    expect((await stage.get(`/${settlement.settlementId}`, 'finance', 'ward')).status).toBe(404);
    expect((await stage.get('', 'finance', 'ward')).body.settlements).toEqual([]);
    await stage.contract('ward-pay', {}, 'operator', 'ward');
    const token = await stage.staff('finance', 'finance', 'ward');
    const closed = await stage.service.call('POST', '/settlement/v1/settlements', {
      token,
      headers: { 'idempotency-key': 'ward' },
      body: { providerId: 'ward-pay', from: '2027-01-01', to: '2027-01-01' },
    });
    expect(closed).toMatchObject({ status: 409, body: { code: 'settlement.payer_not_configured' } });
    const citizen = await stage.service.token({ role: 'citizen', subject: newId(6), ttlSeconds: 400 * 86_400 });
    expect((await stage.service.call('GET', '/settlement/v1/settlements', { token: citizen })).status).toBe(403);
  });
});
