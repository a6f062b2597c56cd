import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { toNewEvent } from '@tsunagu/event-store';
import { definition } from '../definition.js';
import { listStream } from '../domain/list-grant.js';
import { someId } from '../test-ledger.js';
import { type ListStage, listCsv, startListStage } from '../test-lists.js';

const script = fileURLToPath(new URL('./list-running-process.ts', import.meta.url));
const hook = new URL('../../../../tools/hook.mjs', import.meta.url).href;
/** Three times what is granted between two notes of how far it is. */
const ROWS = 7_000;
const KILLS = 3;

let stage: ListStage;
let persons: readonly string[];
let listId: string;
beforeAll(async () => {
  stage = await startListStage();
  persons = Array.from({ length: ROWS }, () => someId());
  const fundId = await stage.fund(ROWS * 10);
  const measureId = stage.measure();
  listId = await stage.register(measureId);
  await stage.send(listId, listCsv(persons.map((personId) => [personId, 10])));
  await stage.settled(listId, ({ state }) => state === 'validated');
  await stage.act(listId, 'comparisons', 'anna', { fundId });
  await stage.settled(listId, ({ comparison }) => comparison !== undefined);
  await stage.act(listId, 'release', 'anna', { fundId });
  await stage.act(listId, 'release/approve', 'ben');
});
afterAll(() => stage.close());

/** What staff asked for, recorded without a run in this process. */
async function recordAct(type: string, by: string, more: object = {}) {
  const name = listStream(listId);
  const revision = (await stage.log.readStreams([name])).get(name)?.at(-1)?.revision ?? -1;
  const data = { listId, by: `staff:${by}`, ...more };
  const meta = { id: someId(), effectiveAt: '2026-11-20T01:00:00.000Z', correlationId: listId, causationId: null };
  const event = toNewEvent({ type, data }, { ...meta, actor: `staff:${by}`, ownerId: 'demo' });
  await stage.log.append([{ writes: [{ stream: name, expectedRevision: revision, events: [event] }] }]);
}

function runInProcess(): ChildProcess {
  const args = ['--enable-source-maps', '--import', hook, script, stage.ownerUrl, definition.schema, listId];
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

const recorded = async (type: string) => (await stage.eventsOf(type)).map(({ stream }) => stream);

/** Runs the list in processes that are killed as soon as they have recorded something, then in one that comes to its end. */
async function runAndKill(type: string, end: string): Promise<readonly string[]> {
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const head = await stage.log.head();
    const child = runInProcess();
    const exited = once(child, 'exit');
    // In the middle of its rows, before it says how far it is.
    const more = () => stage.log.readLog({ after: head, limit: 1, types: [type] });
    for (let found = await more(); found.events.length === 0 && child.exitCode === null; found = await more())
      await stage.log.waitForAppend(found.through, 1_000);
    child.kill('SIGKILL');
    await exited;
  }
  const partly = (await recorded(type)).length;
  expect(partly).toBeGreaterThan(0);
  expect(partly).toBeLessThan(ROWS);

  // The lock of a killed process ends a moment after it: until then another one has nothing to do.
  while ((await stage.list(listId)).state !== end) {
    const [code] = await once(runInProcess(), 'exit');
    expect(code).toBe(0);
  }
  return recorded(type);
}

const everyAccount = () => new Set(persons.map((personId) => `account-${personId}`));

it('a process killed in the middle of a stage, again and again, leaves nobody out and grants nobody twice', async () => {
  await recordAct('ListStageStarted', 'anna', { stage: 1, attempt: 1 });
  const streams = await runAndKill('PointsGranted', 'granted');
  expect(streams).toHaveLength(ROWS);
  expect(new Set(streams)).toEqual(everyAccount());
  expect(await stage.eventsOf('GrantRefused')).toEqual([]);
  expect(await stage.violations()).toEqual([]);
}, 120_000);

it('and in the middle of a recall takes back every grant, and none twice', async () => {
  await stage.act(listId, 'recall', 'anna', { reasonPattern: 'wrong_list' });
  await recordAct('ListRecallApproved', 'ben');
  const streams = await runAndKill('GrantReversed', 'recalled');
  expect(streams).toHaveLength(ROWS);
  expect(new Set(streams)).toEqual(everyAccount());
  const whole = { points: 10, receivablePoints: 0 };
  for (const { data } of await stage.eventsOf('GrantReversed')) expect(data).toMatchObject(whole);
  expect(await stage.violations()).toEqual([]);
}, 120_000);
