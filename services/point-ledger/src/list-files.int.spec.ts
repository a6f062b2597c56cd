import { gzipSync } from 'node:zlib';
import { sheetXml, xlsxOf, zipOf } from './files/test-list-files.js';
import { claim, someId } from './test-ledger.js';
import { type ListStage, listCsv, type Row, startListStage, xlsxType } from './test-lists.js';

let stage: ListStage;
beforeAll(async () => {
  stage = await startListStage();
});
afterAll(() => stage.close());

const people = (count: number): string[] => Array.from({ length: count }, () => someId());
const myNumber = '123456789018';

/** Everything that is kept: the log, the tables of lists, the log lines. */
async function kept(): Promise<string> {
  const tables = [
    'list_incoming',
    'list_rows',
    'list_problems',
    'list_matches',
    'lists',
    'list_refusals',
    'idempotency',
  ];
  const rows = await Promise.all(tables.map((table) => stage.pool.query(`select t::text as line from ${table} t`)));
  return JSON.stringify([await stage.events(), rows.map(({ rows: lines }) => lines), stage.logLines]);
}

describe('Neyagawa: the same list must not be paid twice', () => {
  it('is recognised in another order, another format, with other references, by another person', async () => {
    const measureId = stage.measure();
    const rows: Row[] = people(20).map((personId, index) => [personId, 1_000 + index, `A-${index}`]);
    const first = await stage.register(measureId);
    expect(await stage.send(first, listCsv(rows))).toMatchObject({
      status: 200,
      body: { state: 'validated', upload: { rowCount: 20, amountPoints: 20_190, format: 'csv' } },
    });
    const others: [string | Uint8Array, string][] = [
      [listCsv(rows), 'text/csv'],
      [listCsv(rows.toReversed()), 'text/csv'],
      [listCsv(rows.map(([personId, points]) => [personId.toUpperCase(), points, 'B'])), 'text/csv'],
      [xlsxOf([['amountPoints', 'personId'], ...rows.map(([personId, points]) => [points, personId])]), xlsxType],
    ];
    for (const [file, type] of others) {
      const listId = await stage.register(measureId, { name: 'once more' });
      const answer = await stage.send(listId, file, { type, by: 'carla' });
      expect(answer).toMatchObject({ status: 409, body: { code: 'point_ledger.list_repeated', earlierListId: first } });
      expect(await stage.list(listId)).toMatchObject({ state: 'repeated', earlierListId: first });
      expect((await stage.act(listId, 'comparisons', 'anna', { fundId: await stage.fund(1) })).status).toBe(409);
    }
    const elsewhere = await stage.register(stage.measure());
    expect((await stage.send(elsewhere, listCsv(rows))).status).toBe(200);
  });

  it('is let through once when two of it arrive at the same moment', async () => {
    const measureId = stage.measure();
    const file = listCsv(people(50).map((personId) => [personId, 10]));
    const lists = await Promise.all(Array.from({ length: 3 }, () => stage.register(measureId)));
    const answers = await Promise.all(lists.map((listId) => stage.send(listId, file)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
  });

  it('shows before the release who was granted before, by the measure or by another list, and whether the fund reaches', async () => {
    const fundId = await stage.fund(100_000);
    const [measureId, other] = [stage.measure(), stage.measure()];
    const [claimed, listed, fresh, both] = people(4) as [string, string, string, string];
    await stage.claims(
      claim({ fundId, personId: claimed, measureId, amountPoints: 700 }),
      claim({ fundId, personId: both, measureId, amountPoints: 700 }),
    );
    const earlier = await stage.approved(
      [
        [listed, 500],
        [both, 500],
      ],
      { fundId, measureId: other },
    );
    await stage.granted(earlier, 1);
    const small = await stage.fund(1_500);
    const listId = await stage.register(measureId);
    await stage.send(listId, listCsv([claimed, listed, fresh, both].map((personId) => [personId, 1_000])));
    const { body } = await stage.act(listId, 'comparisons', 'anna', { fundId: small, months: 3 });
    expect(body.comparison).toMatchObject({
      months: 3,
      fresh: { persons: 1, points: 1_000 },
      sameMeasure: { persons: 2, points: 2_000 },
      otherList: { persons: 1, points: 1_000 },
      pastByFund: [{ fundId, persons: 3, points: 2_400 }],
      fund: { fundId: small, neededPoints: 2_000, undrawnPoints: 1_500, reaches: false },
      by: 'staff:anna',
    });
    const matches = (await stage.text(listId, 'matches'))
      .trim()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',').slice(1, 4));
    expect(matches.toSorted()).toEqual(
      [
        [claimed, 'same_measure', ''],
        [listed, 'other_list', earlier],
        [both, 'same_measure', ''],
      ].toSorted(),
    );
    // Half a year later the other list is no longer held against anybody; the measure always is.
    stage.clock.forward(200 * 86_400_000);
    const later = await stage.act(listId, 'comparisons', 'anna', { fundId: small, months: 3 });
    expect(later.body.comparison).toMatchObject({
      fresh: { persons: 2 },
      sameMeasure: { persons: 2 },
      otherList: { persons: 0 },
    });
  });
});

it('a list is compared once at a time', async () => {
  const fundId = await stage.fund(1);
  const listId = await stage.register(stage.measure());
  await stage.send(listId, listCsv(people(5_000).map((personId) => [personId, 1])));
  await stage.settled(listId, ({ state }) => state === 'validated');
  const compare = () => stage.act(listId, 'comparisons', 'anna', { fundId });
  let codes: (string | undefined)[] = [];
  while (!codes.includes('point_ledger.list_busy')) {
    codes = (await Promise.all([compare(), compare(), compare()])).map(({ body }) => body.code);
  }
  expect(codes).toContain(undefined);
});

describe('a file with mistakes', () => {
  it('is answered with lines and codes, never with what stands there, and can be corrected', async () => {
    const [a, b, c] = people(3) as [string, string, string];
    const listId = await stage.register(stage.measure(), { amountPointsMax: 5_000 });
    const rows: Row[] = [
      [a, 1_000],
      ['山田太郎', 1_000],
      [b, '1,0'],
      [b, 9_999],
      [c, 5_000, '=1+1'],
      [a, 1_000],
      [a, 2_000],
    ];
    const answer = await stage.send(
      listId,
      listCsv(rows.map(([id, points, reference]) => [id, `"${points}"`, reference ?? ''])),
    );
    expect(answer).toMatchObject({ status: 200, body: { state: 'invalid', upload: { problemCount: 6 } } });
    expect(answer.body.problems).toEqual([
      { line: 3, column: 'personId', code: 'person_invalid' },
      { line: 4, column: 'amountPoints', code: 'amount_invalid' },
      { line: 5, column: 'amountPoints', code: 'amount_over_limit' },
      { line: 6, column: 'reference', code: 'reference_invalid' },
      { line: 7, column: 'personId', code: 'person_twice', otherLine: 2 },
      { line: 8, column: 'personId', code: 'person_twice', otherLine: 2 },
    ]);
    const report = await stage.text(listId, 'report');
    expect(report.split('\r\n')[1]).toBe('3,personId,person_invalid,');
    expect(report.trim().split('\r\n')).toHaveLength(7);
    expect(await kept()).not.toContain('山田');
    expect((await stage.act(listId, 'comparisons', 'anna', { fundId: await stage.fund(1) })).status).toBe(409);
    expect((await stage.send(listId, listCsv([[a, 1_000]]))).body.state).toBe('validated');
    expect((await stage.send(listId, listCsv([[a, 1_000]]))).body.state).toBe('validated');
    expect((await stage.send(listId, listCsv([[a, 2_000]]))).body.code).toBe('point_ledger.list_wrong_state');
  });

  it('shows fifty problems and reports them all', async () => {
    const listId = await stage.register(stage.measure());
    const answer = await stage.send(listId, listCsv(Array.from({ length: 12_000 }, (): Row => ['x', 1])));
    expect(answer.body.problems).toHaveLength(50);
    expect((await stage.text(listId, 'report')).trim().split('\r\n')).toHaveLength(12_001);
  });

  it('with a My Number is refused and nothing of it is kept', async () => {
    for (const cell of [myNumber, '1234-5678-9018', '１２３４５６７８９０１８']) {
      for (const rows of [[[someId(), 1, cell]], [[cell, 1]], [[someId(), cell]]] as Row[][]) {
        const listId = await stage.register(stage.measure());
        const answer = await stage.send(listId, listCsv([[someId(), 1], ...rows]));
        expect(answer).toMatchObject({ status: 422, body: { code: 'point_ledger.list_my_number' } });
        expect(answer.body.detail).toContain('Line 3');
        expect(JSON.stringify(answer.body)).not.toContain(cell);
      }
    }
    const everything = (await kept()).replaceAll(/[-\s]/g, '').normalize('NFKC');
    expect(everything).not.toContain(myNumber);
    expect((await stage.pool.query('select 1 from list_incoming')).rowCount).toBe(0);
  });
});

describe('a hostile file', () => {
  const good = listCsv([[someId(), 1]]);
  const bomb = () => zipOf({ 'xl/worksheets/sheet1.xml': new Uint8Array(80_000_000) });
  const formula = zipOf({
    'xl/worksheets/sheet1.xml': sheetXml('<row r="1"><c r="A1"><f>SUM(1)</f><v>1</v></c></row>'),
  });
  it.each<[string, string, () => string | Uint8Array, string, string]>([
    [
      'names and birth dates',
      'csv',
      () => `personId,amountPoints,氏名\r\n${someId()},1,x\r\n`,
      'point_ledger.list_columns',
      '氏名',
    ],
    ['no header', 'csv', () => `${someId()},1000\r\n`, 'point_ledger.list_columns', 'zzz'],
    ['no rows', 'csv', () => 'personId,amountPoints\r\n', 'point_ledger.list_unreadable', 'zzz'],
    ['nothing at all', 'csv', () => '', 'point_ledger.list_unreadable', 'zzz'],
    ['UTF-16', 'csv', () => Buffer.from(`\uFEFF${good}`, 'utf16le'), 'point_ledger.list_encoding', 'zzz'],
    ['compressed bytes', 'csv', () => gzipSync(good), 'point_ledger.list_encoding', 'zzz'],
    [
      'an open quote',
      'csv',
      () => `personId,amountPoints\r\n"${'x'.repeat(100_000)}`,
      'point_ledger.list_unreadable',
      'xxx',
    ],
    ['a zip bomb', 'xlsx', bomb, 'point_ledger.list_unreadable', 'zzz'],
    ['a formula', 'xlsx', () => formula, 'point_ledger.list_unreadable', 'SUM'],
    ['a CSV that says it is XLSX', 'xlsx', () => good, 'point_ledger.list_unreadable', 'zzz'],
    ['an XLSX that says it is CSV', 'csv', () => xlsxOf([['personId', 'amountPoints']]), 'point_ledger.list_', 'zzz'],
  ])('with %s is refused by a code and not quoted', async (_, format, file, code, quoted) => {
    const listId = await stage.register(stage.measure());
    const answer = await stage.send(listId, file(), { type: format === 'csv' ? 'text/csv' : xlsxType });
    expect(answer.status).toBe(422);
    expect(answer.body.code).toContain(code);
    expect(JSON.stringify(answer.body)).not.toContain(quoted);
    expect((await stage.list(listId)).state).toBe('invalid');
    expect((await stage.send(listId, good)).body.state ?? 'repeated').toMatch(/validated|repeated/);
  });

  it('with more rows than a list may have is refused', async () => {
    const listId = await stage.register(stage.measure());
    const rows = people(20_001).map((personId): Row => [personId, 1]);
    const sent = await stage.send(listId, listCsv(rows));
    const list = await stage.settled(listId, ({ state }) => state !== 'validating');
    expect(list.upload.fileProblem.code).toBe('point_ledger.list_too_long');
    if (sent.status !== 202) expect(sent.status).toBe(422);
    expect((await stage.pool.query('select 1 from list_incoming')).rowCount).toBe(0);
  });

  it('is refused for its type, and hostile forms for their fields', async () => {
    const listId = await stage.register(stage.measure());
    expect((await stage.send(listId, good, { type: 'application/json' })).status).toBe(400);
    expect((await stage.send(listId, '{}', { type: 'application/json' })).status).toBe(415);
    expect((await stage.send(listId, good, { type: 'application/vnd.ms-excel' })).status).toBe(415);
    const forms: [string, object][] = [
      ['comparisons', { fundId: 'x' }],
      ['comparisons', { fundId: someId(), months: 0 }],
      ['release', { fundId: someId(), stagePercents: [0] }],
      ['release', { fundId: someId(), stagePercents: ['1'] }],
      ['release', { fundId: someId(), stagePercents: Array.from({ length: 50 }, () => 1) }],
      ['release', { fundId: someId(), embargoHours: -1 }],
      ['release', { fundId: someId(), pointsExpireAt: 'tomorrow' }],
      ['release', { fundId: someId(), pointsExpireAt: '2027-01-01T00:00:00Z', pointsExpireAfterMonths: 1 }],
      ['recall', { reasonPattern: 'because' }],
      ['stages/x/start', {}],
    ];
    for (const [path, body] of forms) expect((await stage.act(listId, path, 'anna', body)).status).toBe(400);
    expect((await stage.act('../../x', 'pause', 'anna')).status).toBe(404);
    expect((await stage.act(someId(), 'pause', 'anna')).status).toBe(404);
  });
});
