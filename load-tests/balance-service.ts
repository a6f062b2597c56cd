// The point ledger with people who have points, for the bench of balance reads. A process of its own on the database server
// named by TSUNAGU_TEST_POSTGRES_URL; prints { url, tokens } when it listens.
import { topics } from '@tsunagu/contracts';
import { newId } from '@tsunagu/kernel';
import { definition } from '@tsunagu/point-ledger';
import { message, startTestService } from '@tsunagu/service-host/testing';

const PERSONS = 1_000;
const LOTS_EACH = 3;

const service = await startTestService(definition, { clockMs: Date.now() });
const operator = await service.token({ role: 'operator' });
const fund = await service.call('POST', '/point-ledger/v1/funds', {
  token: operator,
  headers: { 'idempotency-key': 'fund' },
  body: { name: 'bench', amountPoints: 1_000_000_000, fiscalYear: 2026 },
});
const persons = Array.from({ length: PERSONS }, () => newId(Date.now()));
for (let lot = 0; lot < LOTS_EACH; lot += 1) {
  const measureId = newId(Date.now());
  const claims = persons.map((personId) =>
    message('ClaimAccepted', {
      claimId: newId(Date.now()),
      personId,
      campaignId: '019ab3f0-6c00-7000-8000-0000000000d1',
      measureId,
      programmeId: 'default',
      fundId: fund.body.fundId,
      amountPoints: 1_000,
      ruleVersion: 1,
      attempt: 1,
      dryRun: false,
      pointsExpireAt: null,
      pointsExpireAfterMonths: 6,
      answers: [],
      receiptNumber: 'R-VHFF-AAM9-BBEU-ATMQ',
    }),
  );
  await service.deliver(topics.claim, claims);
}
await service.waitForProjections();
const tokens = await Promise.all(persons.map((subject) => service.token({ role: 'citizen', subject })));
console.log(JSON.stringify({ url: `${service.url}/point-ledger/v1/accounts/me`, tokens }));
process.once('SIGTERM', () => {
  void service.close().then(() => process.exit(0));
});
