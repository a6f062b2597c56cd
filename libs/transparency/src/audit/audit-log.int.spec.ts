import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedColumns } from '@tsunagu/event-store';
import fc from 'fast-check';
import { readExport } from '../export/read-export.js';
import { signNote } from '../signed-note.js';
import { exportTo, type TestLog, testLog } from '../test-log.js';
import { type AuditOptions, auditLog } from './audit-log.js';

const EVENTS = 600;
const directory = mkdtempSync(join(tmpdir(), 'tsunagu-audit-'));
const file = join(directory, 'export.gz');
let stage: TestLog;

beforeAll(async () => {
  stage = await testLog();
  const keeper = stage.keeper();
  // Heads of 5, 300 and 590 leaves, and ten events behind them.
  for (const events of [5, 295, 290]) {
    await stage.add(events);
    await keeper.catchUp();
    stage.clock.nowMs += 10_000;
  }
  stage.clock.nowMs -= 5_000;
  await stage.add(10);
  await keeper.catchUp();
});
afterAll(async () => {
  await stage.close();
  rmSync(directory, { recursive: true });
});

const audit = async (options: Partial<AuditOptions> = {}) => {
  await exportTo(stage, file);
  return auditLog(readExport(file), { verifiers: stage.verifiers, ...options });
};

/** Runs SQL as the superuser, audits, and takes everything back. */
async function tampered(sql: string, options: Partial<AuditOptions> = {}) {
  const tables = ['events', 'log_head', 'log_tree_runs', 'log_heads'];
  const query = (text: string) => stage.database.pool.query(text);
  await query(tables.map((table) => `create table kept_${table} as table ${table}`).join(';'));
  try {
    await query(sql);
    const { findings } = await audit(options);
    return findings.map(({ kind, position, to }) => [kind, position, to]);
  } finally {
    await query(
      tables
        .map((table) => `truncate ${table}; insert into ${table} table kept_${table}; drop table kept_${table}`)
        .join(';'),
    );
  }
}

test('finds nothing wrong with what nobody touched', async () => {
  const audited = await audit();
  expect(audited).toMatchObject({ service: 'spec', log: 0, events: EVENTS, heads: 3, signed: 590, findings: [] });
});

const mutations: Readonly<Record<(typeof recordedColumns)[number], string>> = {
  actor: `actor || ' '`,
  causation_id: `case when causation_id is null then gen_random_uuid() end`,
  correlation_id: `reverse(correlation_id)`,
  data: `replace(data::text, '"n":', '"n": ')::json`,
  effective_at: `effective_at + interval '1 microsecond'`,
  event_id: `gen_random_uuid()`,
  owner_id: `case when owner_id is null then 'demo' end`,
  position: `position + 1000000`,
  reads: `case when reads is null then '{}'::json else (reads::text || ' ')::json end`,
  recorded_at: `recorded_at - interval '1 microsecond'`,
  request_id: `gen_random_uuid()`,
  revision: `revision + 1`,
  schema_version: `schema_version + 1`,
  stream: `stream || 'x'`,
  type: `upper(type)`,
};

test.each(Object.entries(mutations))('a change of %s is found, at any position', async (column, value) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: EVENTS }), async (position) => {
      const found = await tampered(`update events set ${column} = ${value} where position = ${position}`);
      if (column !== 'position') expect(found).toEqual([['changed', position, position]]);
      else {
        expect(found).toContainEqual(['removed', position, position]);
        expect(found).toContainEqual(['beyond_end', position + 1_000_000, position + 1_000_000]);
      }
    }),
    { numRuns: 4 },
  );
});

test('no column of the events is left out of the leaf', async () => {
  const { rows } = await stage.database.pool.query<{ name: string }>(
    `select column_name as name from information_schema.columns
      where table_schema = 'public' and table_name = 'events' order by column_name collate "C"`,
  );
  expect(rows.map(({ name }) => name)).toEqual([...recordedColumns]);
});

const renumber = (from: number, by: number) =>
  `update events set position = -position where position >= ${from}; update events set position = ${by} - position where position < 0`;

test.each<[string, string, unknown[]]>([
  [
    'the last event put past the end',
    `update events set position = position + 1000000 where position = ${EVENTS}`,
    [
      ['removed', EVENTS, EVENTS],
      ['beyond_end', EVENTS + 1_000_000, EVENTS + 1_000_000],
    ],
  ],
  ['an event removed', 'delete from events where position = 77', [['removed', 77, 77]]],
  [
    'events removed on both sides of a head',
    'delete from events where position between 299 and 302',
    [['removed', 299, 302]],
  ],
  ['the first event removed', 'delete from events where position = 1', [['removed', 1, 1]]],
  ['the last events removed', 'delete from events where position > 597', [['removed', 598, 600]]],
  [
    'the last events removed and the end moved',
    'delete from events where position > 597; update log_head set position = 597',
    [['removed', 598, 600]],
  ],
  [
    'an event removed and the later ones numbered anew',
    `delete from events where position = 77; ${renumber(78, -1)}; update log_head set position = 599`,
    [['removed', 77, 77]],
  ],
  [
    'two neighbours swapped',
    'update events set position = 9000 where position = 8; update events set position = 8 where position = 9; update events set position = 9 where position = 9000',
    [
      ['moved', 8, 8],
      ['moved', 9, 9],
    ],
  ],
  [
    'two far apart swapped',
    'update events set position = 9000 where position = 8; update events set position = 8 where position = 500; update events set position = 500 where position = 9000',
    [
      ['moved', 8, 8],
      ['moved', 500, 500],
    ],
  ],
  [
    'an event inserted and the later ones numbered anew',
    `${renumber(78, 1)}; insert into events select 78, 'spec-new', 0, gen_random_uuid(), gen_random_uuid(), type, 1, effective_at,
       recorded_at, correlation_id, null, actor, null, null, data from events where position = 77;
     update log_head set position = 601`,
    [['inserted', 78, 78]],
  ],
  [
    'an event appended past the service',
    `insert into events select 601, 'spec-new', 0, gen_random_uuid(), gen_random_uuid(), type, 1, effective_at, recorded_at,
       correlation_id, null, actor, null, null, data from events where position = 600`,
    [['beyond_end', 601, 601]],
  ],
  [
    'an event below the first position',
    `insert into events select -4, 'spec-new', 0, gen_random_uuid(), gen_random_uuid(), type, 1, effective_at, recorded_at,
       correlation_id, null, actor, null, null, data from events where position = 600`,
    [['inserted', -4, -4]],
  ],
  ['a time that is none', `update events set effective_at = 'infinity' where position = 5`, [['changed', 5, 5]]],
])('%s is found and located', async (_, sql, expected) => {
  expect(await tampered(sql)).toEqual(expected);
});

const flipHash = (level: number, index: number) => `
  update log_tree_runs set hashes = set_byte(hashes, (${index} - first)::int * 32, get_byte(hashes, (${index} - first)::int * 32) # 1)
   where level = ${level} and first <= ${index} and first + octet_length(hashes) / 32 > ${index}`;

test('a changed event whose stored hash was changed as well is narrowed down by the tree and the heads', async () => {
  const change = `update events set actor = 'service:other' where position = 306`;
  expect(await tampered(`${change}; ${flipHash(0, 305)}`)).toEqual(
    expect.arrayContaining([
      ['tree', 257, 512],
      ['range', 301, 590],
    ]),
  );
});

test('without the stored tree a changed event is found between two heads', async () => {
  const found = await tampered(`delete from log_tree_runs; update events set actor = 'x' where position = 306`);
  expect(found).toContainEqual(['range', 301, 590]);
});

test.each<[string, string, unknown[]]>([
  ['a stored leaf hash', flipHash(0, 9), [['changed', 10, 10]]],
  ['a stored node', flipHash(8, 1), [['tree', 257, 512]]],
  ['a stored node taken out', 'delete from log_tree_runs where level = 8 and first = 0', [['tree', 1, 256]]],
  ['the whole stored tree', 'delete from log_tree_runs', [['tree', 1, 5]]],
])('%s changed while the events are whole is told from a changed event', async (_, sql, expected) => {
  const found = await tampered(sql);
  expect(found).toEqual(expect.arrayContaining(expected));
  expect(found.some(([kind]) => kind === 'tree')).toBe(true);
});

describe('heads', () => {
  const head = async (size: number) => (await stage.store.headOf(size))?.note ?? '';

  test('one whose root, size or signature is changed is found', async () => {
    const note = await head(300);
    const forged = signNote(
      note.slice(0, note.indexOf('\n\n') + 1).replace('\n300\n', '\n301\n'),
      stage.origin,
      stage.privateKey,
    );
    for (const changed of [note.replace('\n300\n', '\n301\n'), note.replace(/.(?=\n$)/, 'x'), forged, 'nothing']) {
      expect(await tampered(`update log_heads set note = $note$${changed}$note$ where size = 300`)).toEqual([
        ['head', null, null],
      ]);
    }
    const root = note.split('\n')[2] ?? '';
    const resigned = signNote(
      `${stage.origin}\n300\n${Buffer.alloc(32).toString('base64')}\n`,
      stage.origin,
      stage.privateKey,
    );
    expect(root).not.toBe('');
    expect(await tampered(`update log_heads set note = $note$${resigned}$note$ where size = 300`)).toEqual([
      ['range', 6, 300],
    ]);
  });

  test("another log's head is none of this one's", async () => {
    const origin = stage.origin.replace('/0', '/1');
    const note = signNote(
      `${origin}\n${(await head(300)).split('\n').slice(1, 3).join('\n')}\n`,
      origin,
      stage.privateKey,
    );
    expect(await tampered(`update log_heads set note = $note$${note}$note$ where size = 300`)).toEqual([
      ['head', null, null],
    ]);
  });

  test('without the key nothing is signed', async () => {
    const found = await tampered('', { verifiers: [] });
    expect(found).toEqual([
      ['head', null, null],
      ['head', null, null],
      ['head', null, null],
    ]);
  });

  test('a log cut back with its tree and heads is found by a head that was kept', async () => {
    const kept = [await head(5), await head(590)];
    const cut = `delete from events where position > 300; update log_head set position = 300; delete from log_heads where size > 300;
      update log_tree_runs set hashes = substr(hashes, 1, (300 - first)::int * 32) where level = 0 and first < 300 and first + octet_length(hashes) / 32 > 300;
      delete from log_tree_runs where level = 0 and first >= 300; delete from log_tree_runs where level = 8 and first = 1`;
    expect(await tampered(cut)).toEqual([]);
    expect(await tampered(cut, { kept })).toEqual([['removed', 301, 590]]);
    expect(await tampered('', { kept })).toEqual([]);
    expect(await tampered('', { kept: [kept[0]?.replace('\n5\n', '\n6\n') ?? ''] })).toEqual([['head', null, null]]);
  });

  test('a log written anew from its beginning is found by a head that was kept', async () => {
    const forged = signNote(
      `${stage.origin}\n310\n${Buffer.alloc(32).toString('base64')}\n`,
      stage.origin,
      stage.privateKey,
    );
    expect(await tampered('', { kept: [forged] })).toEqual([['range', 301, 310]]);
  });
});
