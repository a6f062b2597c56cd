import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { requireRunning } from '../src/reach.js';
import { readSettings } from '../src/settings.js';
import { type ClaimAnswer, claim, claimEnd, type Launched, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

const KILLS = Number(process.env.TSUNAGU_KILLS ?? 10);
const PEOPLE_A_ROUND = 40;
const AMOUNT_POINTS = 10;
const SERVING_WITHIN_MS = 60_000;

/** `kill -9` in the database: the postmaster, or one server process, after which PostgreSQL recovers by itself. */
type Victim = 'the postmaster' | 'one backend';

describe(`kill -9 of PostgreSQL in the middle of a claim burst, ${KILLS} times`, () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
  }, 90_000);
  afterAll(() => platform.remove());

  it(
    'loses no receipt, grants nobody twice, answers nothing but 503 meanwhile and verifies',
    async () => {
      const { api } = platform;
      const launched = await launchCampaign(api, await platform.token('operator'), {
        fundPoints: KILLS * PEOPLE_A_ROUND * AMOUNT_POINTS,
        amountPoints: AMOUNT_POINTS,
      });
      const people = await platform.tokens('--role', 'citizen', '--count', String(KILLS * PEOPLE_A_ROUND));
      const receipts = new Map<string, string>();
      const seen = new Set<number | undefined>();
      for (let round = 0; round < KILLS; round += 1) {
        const victim: Victim = round % 2 === 0 ? 'one backend' : 'the postmaster';
        const pid = await pidOf(victim);
        const mine = people.slice(round * PEOPLE_A_ROUND, (round + 1) * PEOPLE_A_ROUND);
        const killAfter = randomInt(PEOPLE_A_ROUND);
        let asked = 0;
        await Promise.all(
          mine.map(async (token) => {
            if (asked++ === killAfter) process.kill(pid, 'SIGKILL');
            const answer = await claim(api, launched, token).catch(() => undefined);
            seen.add(answer?.status);
            if (answer?.status === 202) receipts.set(token, answer.body.receipt.number);
          }),
        );
        // Without its database the platform ends; whoever runs it starts it again.
        if (victim === 'the postmaster') {
          await platform.stop();
          await platform.start();
        }
        for (const token of mine) {
          const again = await claimed(launched, token, seen);
          const before = receipts.get(token);
          if (before !== undefined) expect(again.receipt.number).toBe(before);
        }
      }
      for (const token of people) {
        const { claimId } = await claimed(launched, token, seen);
        expect((await claimEnd(api, token, claimId)).state).toBe('granted');
      }
      expect([...seen].filter((status) => ![undefined, 200, 202, 503].includes(status))).toEqual([]);
      expect(await platform.run('verify')).toMatchObject({ code: 0 });
    },
    120_000 + KILLS * 30_000,
  );

  /** Claims again, as a client does while it is told to come back. */
  async function claimed(launched: Launched, token: string, seen: Set<number | undefined>): Promise<ClaimAnswer> {
    const until = Date.now() + SERVING_WITHIN_MS;
    for (;;) {
      const answer = await claim(platform.api, launched, token).catch(() => undefined);
      seen.add(answer?.status);
      if (answer && answer.status < 300) return answer.body;
      if (Date.now() > until) throw new Error(`not serving again: ${answer?.status} ${JSON.stringify(answer?.body)}`);
      await pause(100);
    }
  }

  async function pidOf(victim: Victim): Promise<number> {
    const { databases } = requireRunning(readSettings({ TSUNAGU_DATA: platform.dataDirectory }));
    const client = new Client({ connectionString: databases.superuser });
    client.on('error', () => undefined);
    await client.connect();
    try {
      const sql =
        victim === 'the postmaster'
          ? `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`
          : `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
              order by random() limit 1`;
      const { rows } = await client.query<{ pid: number }>(sql);
      const [row] = rows;
      if (!row) throw new Error(`no pid of ${victim}`);
      return row.pid;
    } finally {
      await client.end();
    }
  }
});
