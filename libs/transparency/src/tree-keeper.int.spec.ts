import type { Result } from '@tsunagu/kernel';
import { openCheckpoint, readCheckpoint } from './checkpoint.js';
import { leafOf, positionOfLeaf } from './leaf.js';
import { leafHash, RightEdge } from './merkle.js';
import { verifyConsistency, verifyInclusion } from './proof.js';
import { type TestLog, testLog } from './test-log.js';

let stage: TestLog;
beforeEach(async () => {
  stage = await testLog();
});
afterEach(() => stage.close());

/** What a result holds; undefined for a refusal. */
async function settled<T>(result: Promise<Result<T>>): Promise<T | undefined> {
  const outcome = await result;
  return outcome.ok ? outcome.value : undefined;
}

const bytes = (texts: readonly string[]) => texts.map((text) => Buffer.from(text, 'base64'));

test('signs a head over the log, and proves each event and each earlier head under it', async () => {
  const keeper = stage.keeper();
  const checkpoints = [];
  for (const events of [1, 6, 250, 300]) {
    await stage.add(events);
    await keeper.catchUp();
    const checkpoint = openCheckpoint((await settled(stage.tree.head()))?.note ?? '', stage.verifiers);
    if (!checkpoint) throw new Error('the head is not signed');
    checkpoints.push(checkpoint);
    stage.clock.nowMs += 10_000;
  }
  expect(checkpoints.map(({ size }) => size)).toEqual([1, 7, 257, 557]);
  const last = checkpoints.at(-1);
  if (!last) throw new Error('no head');
  for (const first of checkpoints) {
    const proof = bytes((await settled(stage.tree.consistency(first.size, last.size)))?.proof ?? []);
    const claim = { first: first.size, firstRoot: first.root, second: last.size, secondRoot: last.root, proof };
    expect(verifyConsistency(claim)).toBe(true);
  }
  for (const position of [1, 2, 7, 8, 256, 257, 512, 557]) {
    const event = await settled(stage.tree.event(position));
    if (!event) throw new Error(`no proof for ${position}`);
    expect(positionOfLeaf(event.leaf)).toBe(position);
    const claim = { index: position - 1, size: last.size, root: last.root, proof: bytes(event.proof) };
    expect(verifyInclusion({ ...claim, leafHash: leafHash(event.leaf) })).toBe(true);
    const inclusion = await settled(stage.tree.inclusion(position));
    expect(inclusion).toMatchObject({
      size: 557,
      leafHash: leafHash(event.leaf).toString('base64'),
      proof: event.proof,
    });
  }
  expect(await settled(stage.tree.event(558))).toBeUndefined();
  expect(await settled(stage.tree.inclusion(8, 7))).toBeUndefined();
  expect(await settled(stage.tree.consistency(1, 558))).toBeUndefined();
});

test('one head in the time set, and none while nothing is new', async () => {
  const keeper = stage.keeper({ headEveryMs: 10_000 });
  await keeper.catchUp();
  expect(await settled(stage.tree.head())).toBeUndefined();
  await stage.add(1);
  await keeper.catchUp();
  await stage.add(1);
  stage.clock.nowMs += 9_999;
  await keeper.catchUp();
  expect((await settled(stage.tree.head()))?.size).toBe(1);
  stage.clock.nowMs += 1;
  await keeper.catchUp();
  expect((await settled(stage.tree.head()))?.size).toBe(2);
  stage.clock.nowMs += 100_000;
  await keeper.catchUp();
  expect((await stage.tree.heads(0, 10)).map(({ size }) => size)).toEqual([1, 2]);
});

test('goes on after a restart in the middle, whatever was under way, to the same root', async () => {
  await stage.add(700);
  await stage.keeper().catchUp();
  await stage.add(700);
  stage.clock.nowMs += 10_000;
  // Its connection is cut after its rows were written and before they are committed.
  const hinder = await stage.database.pool.connect();
  await hinder.query('begin; lock table log_heads in access exclusive mode');
  const dying = stage.keeper();
  const died = expect(dying.catchUp()).rejects.toThrow();
  const cut = `select pg_terminate_backend(pid) from pg_locks
                where relation = 'log_heads'::regclass and not granted`;
  while ((await hinder.query(cut)).rowCount === 0);
  await died;
  await hinder.query('rollback');
  hinder.release();
  expect(await stage.store.size()).toBe(700);
  await stage.keeper().catchUp();
  // The one that failed goes on as well, and finds that another was faster.
  await stage.add(5);
  stage.clock.nowMs += 10_000;
  await dying.catchUp();
  const whole = new RightEdge();
  for (const row of await stage.log.readRows({ after: 0, limit: 2_000 })) whole.append(leafHash(leafOf(row)));
  expect(readCheckpoint((await settled(stage.tree.head()))?.note ?? '')).toMatchObject({
    size: 1_405,
    root: whole.root(),
  });
});

test('two keepers at once make one tree', async () => {
  const keepers = [stage.keeper(), stage.keeper(), stage.keeper()];
  for (let i = 0; i < 5; i += 1) {
    await stage.add(130);
    stage.clock.nowMs += 10_000;
    await Promise.all(keepers.map((keeper) => keeper.catchUp()));
  }
  expect(await stage.store.size()).toBe(650);
  expect((await settled(stage.tree.head()))?.size).toBe(650);
  for (const position of [1, 129, 131, 650])
    expect((await settled(stage.tree.event(position)))?.position).toBe(position);
});

test('follows the log by itself', async () => {
  const keeper = stage.keeper({ headEveryMs: 0 });
  keeper.start();
  await stage.add(3);
  while ((await settled(stage.tree.head()))?.size !== 3) await new Promise((resolve) => setImmediate(resolve));
  await keeper.stop();
  expect(await keeper.status()).toEqual({ log: 0, origin: stage.origin, size: 3, head: 3 });
});

test('does not sign a log from which something is gone, and proves nothing that was changed', async () => {
  const keeper = stage.keeper();
  await stage.add(10);
  await keeper.catchUp();
  await stage.database.pool.query(
    `update events set data = replace(data::text, '\\"x', '\\"y')::json where position = 4`,
  );
  expect(await stage.tree.event(4)).toMatchObject({ ok: false, refusal: { code: 'log.record_changed' } });
  expect(await stage.tree.event(11)).toMatchObject({ refusal: { code: 'log.not_signed_yet', retryAfterSeconds: 10 } });
  await stage.database.pool.query('delete from events where position = 10; update log_head set position = 9');
  await expect(keeper.catchUp()).rejects.toThrow('the log ends at position 9, but its tree has 10 leaves');
  await stage.database.pool.query('delete from events where position = 2');
  await expect(stage.keeper().catchUp()).rejects.toThrow('the log ends');
  await stage.database.pool.query('update log_head set position = 20');
  await stage.database.pool.query('update events set position = 12 where position = 9');
  await expect(stage.keeper().catchUp()).rejects.toThrow('position 12 follows 10 in the log');
});

test('the tree and its heads can be added to and read, never changed', async () => {
  await stage.add(1);
  await stage.keeper().catchUp();
  for (const table of ['log_tree_runs', 'log_heads']) {
    await expect(stage.pool.query(`delete from ${table}`)).rejects.toThrow('permission denied');
    await expect(stage.pool.query(`update ${table} set log = 1`)).rejects.toThrow('permission denied');
  }
});

test('a stored tree with a hole gives no proof', async () => {
  for (let i = 0; i < 4; i += 1) {
    await stage.add(1);
    await stage.keeper().catchUp();
  }
  await stage.database.pool.query('delete from log_tree_runs where first = 1');
  stage.clock.nowMs += 10_000;
  await expect(stage.store.read([{ level: 1, index: 1 }])).rejects.toThrow('a hole or an overlap');
  await expect(stage.store.read([{ level: 0, index: 9 }])).rejects.toThrow();
});
