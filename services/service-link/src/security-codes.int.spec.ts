import { newId } from '@tsunagu/kernel';
import { appModule } from './app.module.js';
import { definition } from './index.js';
import { CodeAttempts } from './outbound/code-attempts.js';
import { type LinkStage, startLinkStage } from './test-link-stage.js';

const wrong = { securityCode: 'wrong' };
const tooMany = { status: 429, body: { code: 'service_link.too_many_attempts' } };

describe('security codes', () => {
  let stage: LinkStage;
  /** What was waited for, on a clock that stands still. */
  const waitedUntil: number[] = [];
  beforeAll(async () => {
    const waiting = { now: () => 1_000, until: async (timeMs: number) => void waitedUntil.push(timeMs) };
    stage = await startLinkStage(
      { TSUNAGU_CODE_ANSWER_FLOOR_MS: '400' },
      { ...definition, module: (config) => appModule(config, waiting) },
    );
  });
  afterAll(() => stage.close());

  it('five wrong ones an hour for an account, whoever types them; then it is open again', async () => {
    const account = stage.freshAccount();
    for (let time = 0; time < 5; time += 1)
      expect(await stage.link(stage.person(), account, wrong)).toMatchObject({
        body: { state: 'refused', reasonCode: 'security_code_wrong' },
      });
    const refused = await stage.link(stage.person(), account);
    expect(refused).toMatchObject(tooMany);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThan(3_700);
    expect((await stage.link(stage.person(), stage.freshAccount())).body.state).toBe('established');
    stage.service.clock.forward(3_600_000);
    expect((await stage.link(stage.person(), account)).body.state).toBe('established');
  });

  it('ten wrong ones a day for a person, on whatever accounts', async () => {
    const me = stage.person();
    for (let time = 0; time < 10; time += 1)
      expect((await stage.link(me, stage.freshAccount(), wrong)).status).toBe(202);
    expect(await stage.link(me, stage.freshAccount())).toMatchObject(tooMany);
    stage.service.clock.forward(3_600_000);
    expect(await stage.link(me, stage.freshAccount())).toMatchObject(tooMany);
    stage.service.clock.forward(23 * 3_600_000);
    expect((await stage.link(me, stage.freshAccount())).body.state).toBe('established');
  });

  it('a right one sets the account back, and the same call again is no further attempt', async () => {
    const account = stage.freshAccount();
    const me = stage.person();
    for (let time = 0; time < 4; time += 1) await stage.link(me, account, wrong);
    const first = await stage.link(me, account, wrong, 'the-fifth');
    expect(await stage.link(me, account, wrong, 'the-fifth')).toMatchObject({ status: 202, body: first.body });
    stage.service.clock.forward(3_600_000);
    for (let time = 0; time < 4; time += 1) await stage.link(me, account, wrong);
    expect((await stage.link(me, account)).body.state).toBe('established');
    const { rows } = await stage.service.pool.query(
      'select count(*)::int as count, bool_and(account_cleared) as cleared from code_attempts where person_id = $1',
      [me],
    );
    expect(rows).toEqual([{ count: 9, cleared: true }]);
  });

  it('who looks for accounts that others have linked is stopped; the accounts are not', async () => {
    const taken = stage.freshAccount();
    const owner = stage.person();
    await stage.link(owner, taken, { programmeId: 'many-programme' });
    const nosy = stage.person();
    for (let time = 0; time < 10; time += 1)
      expect((await stage.link(nosy, taken, wrong)).body.code).toBe('service_link.account_taken');
    expect(await stage.link(nosy, taken, wrong)).toMatchObject(tooMany);
    expect((await stage.link(owner, taken)).body.state).toBe('established');
  });

  it('many at once never try more than the limit', async () => {
    const account = stage.freshAccount();
    const answers = await Promise.all(Array.from({ length: 20 }, () => stage.link(stage.person(), account, wrong)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  it('two processes and one terminal: together no more than the limit', async () => {
    const limit = { wrongMax: 3, windowSeconds: 3_600 };
    const limits = { account: { ...limit, wrongMax: 1_000 }, person: { ...limit, wrongMax: 1_000 }, terminal: limit };
    const processes = [1, 2].map(() => new CodeAttempts(stage.service.pool, limits));
    const now = stage.service.clock.now();
    const take = (process: CodeAttempts | undefined, terminalId: string | null) => {
      const attempt = { attemptId: newId(now), accountKey: newId(now), personId: newId(now), terminalId };
      return process?.take(attempt, now);
    };
    const taken = await Promise.all(Array.from({ length: 10 }, (_, index) => take(processes[index % 2], 'kiosk-7')));
    expect(taken.filter((each) => each?.ok)).toHaveLength(3);
    expect(await take(processes[0], null)).toMatchObject({ ok: true });
    expect(await take(processes[1], 'kiosk-8')).toMatchObject({ ok: true });
  });

  it('right, wrong and unknown accounts are answered for at the same time after the question', async () => {
    waitedUntil.length = 0;
    const account = stage.freshAccount();
    expect((await stage.link(stage.person(), account)).body.state).toBe('established');
    expect((await stage.link(stage.person(), stage.freshAccount(), wrong)).body.state).toBe('refused');
    const unknown = { providerAccountId: 'nobody', securityCode: 'body' };
    expect((await stage.link(stage.person(), account, unknown)).body.state).toBe('refused');
    expect(waitedUntil).toEqual([1_400, 1_400, 1_400]);
  });
});
