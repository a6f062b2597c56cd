import { claim, claimEnd, launchCampaign } from './launch.js';
import { PlatformProcess } from './platform-process.js';

const KILLS = Number(process.env.TSUNAGU_KILLS ?? 20);
const PEOPLE_A_ROUND = 60;
const AMOUNT_POINTS = 10;

describe('kill -9 of the embedded platform in the middle of a claim burst', () => {
  let platform: PlatformProcess;
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
  }, 90_000);
  afterAll(() => platform.remove());

  it(
    'loses no receipt, grants nobody twice and verifies',
    async () => {
      const { api } = platform;
      const launched = await launchCampaign(api, await platform.token('operator'), {
        fundPoints: KILLS * PEOPLE_A_ROUND * AMOUNT_POINTS,
        amountPoints: AMOUNT_POINTS,
      });
      const people = await platform.tokens('--role', 'citizen', '--count', String(KILLS * PEOPLE_A_ROUND));
      const receipts = new Map<string, string>();

      for (let round = 0; round < KILLS; round += 1) {
        const mine = people.slice(round * PEOPLE_A_ROUND, (round + 1) * PEOPLE_A_ROUND);
        // A different moment each round: the burst is cut after so many answers.
        const killAfter = 1 + ((round * 7) % PEOPLE_A_ROUND);
        let answered = 0;
        let killed: Promise<unknown> | undefined;
        await Promise.all(
          mine.map(async (token) => {
            const answer = await claim(api, launched, token).catch(() => undefined);
            if (answer?.status === 202) receipts.set(token, answer.body.receipt.number);
            answered += 1;
            if (answered === killAfter) killed = platform.stop('SIGKILL');
          }),
        );
        await killed;
        await platform.start();
        for (const token of mine) {
          const again = await claim(api, launched, token);
          expect([200, 202]).toContain(again.status);
          const before = receipts.get(token);
          // What was acknowledged is there: the same receipt, and it was the first answer.
          if (before !== undefined) expect(again).toMatchObject({ status: 200, body: { receipt: { number: before } } });
        }
      }
      for (const token of people) {
        const { body } = await claim(api, launched, token);
        expect((await claimEnd(api, token, body.claimId)).state).toBe('granted');
      }
      const verified = await platform.run('verify');
      expect(verified).toMatchObject({ code: 0 });
      const totals = await api.expect<{ totals: { debitPoints: number; creditPoints: number } }>(
        200,
        'GET',
        '/point-ledger/v1/trial-balance',
        { token: await platform.token('auditor') },
      );
      expect(totals.totals.debitPoints).toBe(totals.totals.creditPoints);
    },
    100_000 + KILLS * 10_000,
  );
});
