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
/** Three times what is granted between two notes of how far it is, and few enough for one page of the log. */
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

/** Starts the stage without a run in this process. */
async function start() {
  const name = listStream(listId);
  const revision = (await stage.log.readStreams([name])).get(name)?.at(-1)?.revision ?? -1;
  const data = { listId, by: 'staff:anna', stage: 1, attempt: 1 };
  const meta = { id: someId(), effectiveAt: '2026-11-20T01:00:00.000Z', correlationId: listId, causationId: null };
  const event = toNewEvent({ type: 'ListStageStarted', data }, { ...meta, actor: 'staff:anna', ownerId: 'demo' });
  await stage.log.append([{ writes: [{ stream: name, expectedRevision: revision, events: [event] }] }]);
}

function runInProcess(): ChildProcess {
  const args = ['--enable-source-maps', '--import', hook, script, stage.ownerUrl, definition.schema, listId];
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

const granted = async () => (await stage.log.readLog({ after: 0, limit: 1_000_000, types: ['PointsGranted'] })).events;

it('a process killed in the middle of a stage, again and again, leaves nobody out and grants nobody twice', async () => {
  await start();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const head = await stage.log.head();
    const before = (await granted()).length;
    const child = runInProcess();
    const exited = once(child, 'exit');
    // As soon as it has granted something: in the middle of its rows, before it says how far it is.
    for (let at = head; (await granted()).length === before; at = await stage.log.head()) {
      if (child.exitCode !== null) break;
      await stage.log.waitForAppend(at, 1_000);
    }
    child.kill('SIGKILL');
    await exited;
  }
  const partly = (await granted()).length;
  expect(partly).toBeGreaterThan(0);
  expect(partly).toBeLessThan(ROWS);

  // The lock of a killed process ends a moment after it: until then another one has nothing to do.
  while ((await stage.list(listId)).state !== 'granted') {
    const [code] = await once(runInProcess(), 'exit');
    expect(code).toBe(0);
  }
  const streams = (await granted()).map(({ stream }) => stream);
  expect(streams).toHaveLength(ROWS);
  expect(new Set(streams)).toEqual(new Set(persons.map((personId) => `account-${personId}`)));
  expect(await stage.eventsOf('GrantRefused')).toEqual([]);
  expect(await stage.violations()).toEqual([]);
}, 120_000);
