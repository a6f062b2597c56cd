import { CuttingProxy, testPostgresUrl } from '@tsunagu/testing';
import { claim, startTestLedger, type TestLedger } from '../test-ledger.js';

/** The connection to the database is cut between a COMMIT and its answer, at each step of a grant. */

let proxy: CuttingProxy;
let ledger: TestLedger;
beforeAll(async () => {
  proxy = await CuttingProxy.start(new URL(process.env[testPostgresUrl] ?? ''));
  ledger = await startTestLedger({ through: (url) => proxy.through(url) });
});
afterAll(async () => {
  await ledger.close();
  await proxy.close();
});

const steps = ['FundLeased', 'LeaseOpened', 'FundDrawn'].flatMap((step) =>
  (['answer', 'question'] as const).map((what) => [step, what] as const),
);

it.each(steps)('grants once where the commit of %s lost its %s', async (step, what) => {
  const fundId = await ledger.fund(1_000);
  const claims = Array.from({ length: 3 }, () => claim({ fundId, amountPoints: 250 }));
  proxy.cutNext({ text: ['append_events', step], what });
  await ledger.claims(...claims);
  expect(proxy.hasCut).toBe(true);
  await ledger.claims(...claims);
  for (const { data } of claims) expect((await ledger.account(data.personId)).body.availablePoints).toBe(250);
  expect(await grantsOf(fundId)).toBe(3);
  expect(await ledger.violations()).toEqual([]);
});

it('a batch of which nobody knows comes again, and is the same grants', async () => {
  const fundId = await ledger.fund(1_000);
  const claims = Array.from({ length: 3 }, () => claim({ fundId, amountPoints: 250 }));
  proxy.cutNext({ text: ['append_events', 'FundDrawn'], what: 'answer', thenDown: true });
  await expect(ledger.claims(...claims)).rejects.toMatchObject({ code: expect.stringMatching(/^store\./) });
  proxy.setDown(false);
  // Committed, and told to nobody.
  expect(await grantsOf(fundId)).toBe(3);
  await ledger.claims(...claims);
  expect(await grantsOf(fundId)).toBe(3);
  // The last of it can still be granted: nothing was drawn twice.
  const last = claim({ fundId, amountPoints: 250 });
  await ledger.claims(last);
  expect((await ledger.account(last.data.personId)).body.availablePoints).toBe(250);
  expect(await ledger.violations()).toEqual([]);
}, 30_000);

async function grantsOf(fundId: string): Promise<number> {
  const granted = await ledger.eventsOf('PointsGranted');
  return granted.filter(({ data }) => (data as { fundId: string }).fundId === fundId).length;
}
