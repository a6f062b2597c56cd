import { resolve } from 'node:path';
import { publishedEvents, serviceNames, topics } from '@tsunagu/contracts';
import { root } from '../src/settings.js';
import { containerCommands, describeWithKafka, partsOf, servicesOf, startLimitMs } from './kafka-platform.js';
import { account, claim, claimEnd, establishedLink, type Launched, launchCampaign, untilState } from './launch.js';
import { simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';

const AMOUNT_POINTS = 1_000;
const EXCHANGED_POINTS = 200;
const GROUPS = 3;
const PEOPLE_A_GROUP = 10;
const LEDGER_LOGS = 2;

await describeWithKafka(
  'each service a process of its own, with a real Kafka between them and points in two logs',
  () => {
    let platform: PlatformProcess;
    /** On the same data, with a port of its own. */
    let embedded: PlatformProcess;
    beforeAll(async () => {
      platform = await PlatformProcess.create({
        startArguments: ['--kafka'],
        environment: { LEDGER_LOGS: String(LEDGER_LOGS) },
        readyWithinMs: startLimitMs,
      });
      embedded = await PlatformProcess.create({
        environment: { TSUNAGU_DATA: platform.dataDirectory },
        readyWithinMs: startLimitMs,
      });
      await platform.start();
    }, startLimitMs);
    afterAll(async () => {
      await embedded?.remove();
      await platform?.remove();
    }, startLimitMs);

    it('runs each service by the very command of its container', () => {
      const commands = containerCommands();
      expect([...commands.keys()].sort()).toEqual([...serviceNames].sort());
      const running = servicesOf(platform.dataDirectory);
      expect([...running.keys()].sort()).toEqual([...serviceNames].sort());
      for (const [name, part] of running) {
        const [program, ...rest] = part.argv;
        const [containersProgram, ...containersRest] = commands.get(name) ?? [];
        expect({ name, rest }).toEqual({ name, rest: containersRest });
        // The program alone differs: the image's node there, the one that runs the platform here.
        expect([containersProgram, program]).toEqual(['node', process.execPath]);
        expect(resolve(part.directory)).toBe(resolve(root));
      }
    });

    it('takes a point the whole way in the demo, verifies, replays the claim and shows consumers and relays', async () => {
      const demo = await platform.run('demo');
      expect(demo).toMatchObject({ code: 0 });
      const claimId = /replay ([0-9a-f-]{36})/.exec(demo.stdout)?.[1] ?? '';
      expect(await platform.run('verify')).toMatchObject({ code: 0 });
      const replayed = await platform.run('replay', claimId);
      expect(replayed).toMatchObject({ code: 0 });
      expect(replayed.stdout).toContain('the same');
      const status = await platform.run('status');
      expect(status).toMatchObject({ code: 0 });
      expect(status.stdout).toContain('running: kafka');
      // The demo's accounts may all lie in either log.
      for (const topic of new Set(publishedEvents.map((event) => event.topic))) {
        expect(status.stdout).toMatch(new RegExp(`relay +${topic}(?: in log 1)?: [1-9]\\d*, lag \\d+`));
      }
      for (const log of ['', ' in log 1']) {
        expect(status.stdout).toMatch(new RegExp(`relay +${topics.account}${log}: \\d+, lag`));
      }
      for (const topic of [topics.claim, topics.account, topics.exchange]) {
        expect(status.stdout).toMatch(new RegExp(`consumer +${topic}, 48 partitions: \\d+ to \\d+`));
      }
      expect(status.stdout.match(/dead letters 0, and 0 waiting/g)).toHaveLength(serviceNames.length);
    }, 120_000);

    it('shares its data with the embedded topology, there and back, and leaves nothing running', async () => {
      const people = await platform.tokens('--role', 'citizen', '--count', String(GROUPS * PEOPLE_A_GROUP));
      const launched = await launchCampaign(platform.api, await platform.token('operator'), {
        fundPoints: people.length * AMOUNT_POINTS,
        amountPoints: AMOUNT_POINTS,
      });
      const links = new Map<string, string>();
      const receipts = new Map<string, string>();
      for (const [group, topology] of [platform, embedded, platform].entries()) {
        if (group > 0) await topology.start();
        const mine = people.slice(0, (group + 1) * PEOPLE_A_GROUP);
        await Promise.all(mine.map((token) => claimed(topology, launched, token, receipts)));
        const [first = '', newest = ''] = [mine[0], mine.at(-1)];
        // One link of the first topology and one of this one's own.
        for (const token of new Set([first, newest])) {
          if (!links.has(token)) links.set(token, await establishedLink(topology.api, token, simPayAccount()));
          const before = await account(topology.api, token);
          await exchanged(topology, token, links.get(token) ?? '');
          expect((await account(topology.api, token)).availablePoints).toBe(before.availablePoints - EXCHANGED_POINTS);
        }
        expect(await topology.run('verify')).toMatchObject({ code: 0 });
        if (topology === platform) {
          const { stdout } = await platform.run('status');
          for (const log of ['', ' in log 1']) {
            expect(stdout).toMatch(new RegExp(`relay +${topics.account}${log}: [1-9]\\d*, lag`));
          }
        }
        expect(await topology.stop('SIGTERM')).toBe(0);
        expect(partsOf(platform.dataDirectory)).toEqual([]);
      }
      // The data of a stopped platform is read by a PostgreSQL of the command's own.
      const verified = await platform.run('verify');
      expect(verified).toMatchObject({ code: 0 });
      // The demo's claim and exchange among them.
      expect(verified.stdout).toContain(
        `${people.length + 1} claims (0 in progress), ${2 * GROUPS + 1} exchanges (0 with points held)`,
      );
    }, 400_000);
  },
);

/** A first claim or one made again, in whatever topology: the receipt stays, and the points are there once. */
async function claimed({ api }: PlatformProcess, launched: Launched, token: string, receipts: Map<string, string>) {
  const { status, body } = await claim(api, launched, token);
  const known = receipts.get(token);
  expect({ status, number: body.receipt.number }).toEqual(
    known === undefined ? { status: 202, number: body.receipt.number } : { status: 200, number: known },
  );
  receipts.set(token, body.receipt.number);
  expect((await claimEnd(api, token, body.claimId, startLimitMs)).state).toBe('granted');
  expect((await account(api, token)).lots).toHaveLength(1);
}

async function exchanged({ api }: PlatformProcess, token: string, linkId: string): Promise<void> {
  const { exchangeId } = await api.expect<{ exchangeId: string }>(202, 'POST', '/exchange/v1/exchanges', {
    token,
    body: { linkId, points: EXCHANGED_POINTS },
  });
  const end = await untilState(
    api,
    `/exchange/v1/exchanges/${exchangeId}`,
    token,
    ['confirmed', 'rejected'],
    startLimitMs,
  );
  expect(end.state).toBe('confirmed');
}
