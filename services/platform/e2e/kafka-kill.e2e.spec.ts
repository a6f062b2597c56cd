import { describeWithKafka, partsOf, serversOf, servicesOf, startLimitMs, until } from './kafka-platform.js';
import { account, claim, claimEnd, type Launched, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

const AMOUNT_POINTS = 10;
const PEOPLE_A_BURST = 120;
const BURSTS = 2;
const CLAIMS_AT_A_TIME = 32;
/** So many answers into a burst something is killed. */
const KILL_AFTER = 25;

await describeWithKafka('kill -9 on the platform whose services are processes of their own', () => {
  let platform: PlatformProcess;
  let launched: Launched;
  let people: string[];
  beforeAll(async () => {
    platform = await PlatformProcess.create({ startArguments: ['--kafka'], readyWithinMs: startLimitMs });
    await platform.start();
    people = await platform.tokens('--role', 'citizen', '--count', String(BURSTS * PEOPLE_A_BURST));
    launched = await launchCampaign(platform.api, await platform.token('operator'), {
      fundPoints: people.length * AMOUNT_POINTS,
      amountPoints: AMOUNT_POINTS,
    });
  }, 2 * startLimitMs);
  afterAll(() => platform?.remove(), startLimitMs);

  it(
    'of one service in the middle of a claim burst: says so in one sentence, ends with 1, loses nothing',
    async () => {
      const mine = people.slice(0, PEOPLE_A_BURST);
      const ledger = servicesOf(platform.dataDirectory).get('point-ledger');
      const receipts = await burstUntil(mine, () => ledger && process.kill(ledger.pid, 'SIGKILL'));
      const sentence = 'point-ledger has ended by itself; the platform stops.';
      const output = await until(
        () => platform.output,
        (said) => said.includes(sentence),
      );
      expect(output.split('\n').filter((line) => line.includes('has ended by itself'))).toEqual([sentence]);
      expect(await platform.stop()).toBe(1);
      expect(partsOf(platform.dataDirectory)).toEqual([]);

      await platform.start();
      await expectGranted(mine, receipts);
    },
    3 * startLimitMs,
  );

  it(
    'of the front in the middle of a claim burst: no service outlives it, and the next start takes over its servers',
    async () => {
      const mine = people.slice(PEOPLE_A_BURST);
      const before = serversOf(platform.dataDirectory);
      expect(before).toEqual({ brokers: [expect.any(Number)], databases: [expect.any(Number)] });
      let killed: Promise<unknown> = Promise.resolve();
      const receipts = await burstUntil(mine, () => {
        killed = platform.stop('SIGKILL');
      });
      expect(await killed).toBe('SIGKILL');
      await until(
        () => [...servicesOf(platform.dataDirectory).keys()],
        (left) => left.length === 0,
      );
      // Nobody is there to stop these two.
      expect(serversOf(platform.dataDirectory)).toEqual(before);

      await platform.start();
      const after = serversOf(platform.dataDirectory);
      expect(after).toEqual({ brokers: [expect.any(Number)], databases: [expect.any(Number)] });
      expect(after.brokers).not.toEqual(before.brokers);
      await expectGranted(mine, receipts);
    },
    3 * startLimitMs,
  );

  it(
    'leaves every person the points once, and a platform that verifies and stops',
    async () => {
      for (const token of people) expect((await account(platform.api, token)).availablePoints).toBe(AMOUNT_POINTS);
      const verified = await platform.run('verify');
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.stdout).toContain(`${people.length} claims (0 in progress)`);
      expect(await platform.stop()).toBe(0);
      expect(partsOf(platform.dataDirectory)).toEqual([]);
    },
    startLimitMs,
  );

  /** A burst with so many claims at a time that most are still to come at the kill; the receipts of those that were answered. */
  async function burstUntil(tokens: readonly string[], kill: () => void): Promise<Map<string, string>> {
    const receipts = new Map<string, string>();
    const waiting = [...tokens];
    let answered = 0;
    const claimOn = async () => {
      for (let token = waiting.pop(); token !== undefined; token = waiting.pop()) {
        const answer = await claim(platform.api, launched, token).catch(() => undefined);
        if (answer?.status === 202) receipts.set(token, answer.body.receipt.number);
        answered += 1;
        if (answered === KILL_AFTER) kill();
      }
    };
    await Promise.all(Array.from({ length: CLAIMS_AT_A_TIME }, claimOn));
    return receipts;
  }

  /** What was acknowledged is there under its receipt, and everyone who claims again gets the points. */
  async function expectGranted(tokens: readonly string[], receipts: ReadonlyMap<string, string>): Promise<void> {
    expect(receipts.size).toBeGreaterThan(0);
    await Promise.all(
      tokens.map(async (token) => {
        const again = await claim(platform.api, launched, token);
        expect([200, 202]).toContain(again.status);
        const number = receipts.get(token);
        if (number !== undefined) expect(again).toMatchObject({ status: 200, body: { receipt: { number } } });
        expect((await claimEnd(platform.api, token, again.body.claimId, startLimitMs)).state).toBe('granted');
      }),
    );
  }
});
