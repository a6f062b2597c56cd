import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { realClock } from '@tsunagu/kernel';
import { type TestDatabase, testDatabase } from '@tsunagu/testing';
import type { RecordedEvent } from '../contract.js';
import { all } from '../suite/reading.js';
import { PostgresEventLog } from './postgres-log.js';
import { type TestSchema, testSchema } from './test-schema.js';

const script = fileURLToPath(new URL('./appending-process.ts', import.meta.url));
const hook = new URL('../../../../tools/hook.mjs', import.meta.url).href;
const ROUNDS = 150;

let database: TestDatabase;
let schema: TestSchema;
let log: PostgresEventLog;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  schema = await testSchema(database);
  log = await PostgresEventLog.open({ pool: schema.service, clock: realClock });
});
afterEach(async () => {
  await log.close();
  await schema.close();
});

interface Counts {
  readonly appended: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly events: number;
}

describe('two processes that append to one log', () => {
  it('are followed by readers that never skip an event', async () => {
    const appending = [startAppending('one', ROUNDS), startAppending('two', ROUNDS)];
    let ended = false;
    const counts = Promise.all(appending.map(({ counted }) => counted)).finally(() => {
      ended = true;
    });
    const seen: RecordedEvent[] = [];
    const follow = async () => {
      while (!ended || seen.length < (await log.head())) {
        const slice = await log.readLog({ after: seen.length, limit: 50 });
        for (const event of slice.events) {
          seen.push(event);
          if (event.position !== seen.length) throw new Error(`${seen.length} was skipped`);
        }
        if (slice.events.length === 0) await log.waitForAppend(seen.length, 1_000);
      }
    };
    const snapshots = async () => {
      const sql =
        'select count(*)::int as n, max(position)::int as last, (select position::int from log_head) as head from events';
      while (!ended) {
        const { rows } = await schema.service.query<{ n: number; last: number | null; head: number }>(sql);
        const [row] = rows;
        if (row && (row.n !== row.head || (row.last ?? 0) !== row.head))
          throw new Error(`a hole: ${JSON.stringify(row)}`);
      }
    };
    const [[one, two]] = await Promise.all([counts, follow(), snapshots()]);

    if (!one || !two) throw new Error('a process is missing');
    expect(seen).toHaveLength(one.events + two.events);
    expect(one.conflict + two.conflict).toBe(ROUNDS);
    expect(one.duplicate + two.duplicate).toBe(0);
    expect(seen.filter(({ stream }) => stream.startsWith('contested-'))).toHaveLength(ROUNDS);
    const times = seen.map(({ recordedAt }) => recordedAt);
    expect(times).toEqual([...times].sort());
    expect(requestsCut(seen)).toBe(0);
  });

  it('leave a whole log when one of them is killed', async () => {
    const killed = startAppending('one', 100_000);
    const other = startAppending('two', ROUNDS);
    const gone = killed.counted.catch((error: Error) => error.message);
    await log.waitForAppend(1_000, 20_000);
    killed.child.kill('SIGKILL');
    expect(await gone).toContain('SIGKILL');
    await other.counted;
    const events = await all(log);
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
    expect(requestsCut(events)).toBe(0);
    const perStream = new Map<string, number>();
    for (const { stream, revision } of events) {
      expect(revision).toBe(perStream.get(stream) ?? 0);
      perStream.set(stream, revision + 1);
    }
  });
});

/** Requests whose events do not stand together. */
function requestsCut(events: readonly RecordedEvent[]): number {
  const starts = events.filter(({ requestId }, index) => requestId !== events[index - 1]?.requestId);
  return starts.length - new Set(starts.map(({ requestId }) => requestId)).size;
}

function startAppending(name: string, rounds: number): { child: ChildProcess; counted: Promise<Counts> } {
  const options = ['--import', hook, script, schema.serviceUrl, name, String(rounds)];
  const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const counted = new Promise<Counts>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += bytes;
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`the process ended with ${signal ?? code}`));
    });
  });
  return { child, counted };
}
