import { withClient } from '../src/database.js';
import { establishedLink, grant, type Launched, launchCampaign } from './launch.js';
import { People, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';

const POINTS = 1_000;

/** Nothing that was sent is lost by an erasure (invariant I2), and nothing of the person's account is left. */
describe('the erasure of a person whose exchange is under way', () => {
  let platform: PlatformProcess;
  let people: People;
  let desks: readonly [string, string];
  let launched: Launched;
  beforeAll(async () => {
    platform = await PlatformProcess.create({
      environment: { TSUNAGU_LINK_SWEEP_SECONDS: '1', TSUNAGU_EXCHANGE_SWEEP_SECONDS: '1' },
    });
    await platform.start();
    people = People.of(platform);
    desks = [
      await people.staff('support', { subject: 'desk-1' }),
      await people.staff('support', { subject: 'desk-2' }),
    ];
    const money = { fundPoints: 90_000, amountPoints: 3_000 };
    launched = await launchCampaign(platform.api, await people.staff('operator'), money);
  }, 90_000);
  afterAll(() => platform.remove());

  const faults = (mode: string) => platform.api.expect(204, 'PUT', '/sim-pay/faults', { body: { mode, share: 1 } });
  const creditsOf = async (exchangeId: string) => {
    const ledger = await platform.api.expect<{ credits: readonly { exchangeId: string; points: number }[] }>(
      200,
      'GET',
      '/sim-pay/ledger',
    );
    return ledger.credits.filter((credit) => credit.exchangeId === exchangeId).map(({ points }) => points);
  };
  const erase = async (personId: string): Promise<string> => {
    const path = '/identity/v1/erasures';
    const body = { personId, reasonPattern: 'person_asked' };
    const { erasureId } = await platform.api.expect<{ erasureId: string }>(201, 'POST', path, {
      token: desks[0],
      body,
    });
    const approved = { token: desks[1] };
    const { state } = await platform.api.expect<{ state: string }>(
      200,
      'POST',
      `${path}/${erasureId}/approve`,
      approved,
    );
    expect(state).toBe('done');
    return erasureId;
  };
  interface Proof {
    readonly keys?: readonly {
      state: string;
      keyHash: string;
      waitsFor: readonly string[];
      destroyedAt: string | null;
    }[];
  }
  const proofOf = async (erasureId: string) =>
    (await platform.api.call<Proof>('GET', `/service-link/v1/link-erasures/${erasureId}`, { token: desks[0] })).body;
  const dumpOf = (schema: string) =>
    withClient(people.databases.owner, async (client) => {
      const tables = await client.query<{ tablename: string }>(
        'select tablename from pg_tables where schemaname = $1',
        [schema],
      );
      const texts: string[] = [];
      for (const { tablename } of tables.rows) {
        const { rows } = await client.query<{ text: string }>(`select t::text as text from ${schema}."${tablename}" t`);
        texts.push(...rows.map(({ text }) => text));
      }
      return texts.join('\n');
    });

  it('lets the points come to their end at the provider, once, and then destroys the account', async () => {
    const { api } = platform;
    const card = await people.card();
    const { body: session } = await people.signIn(card, { attributesOf: card });
    const { personId } = session.person;
    const token = session.accessToken;
    await grant(api, launched, token);
    const account = { ...simPayAccount(), providerAccountId: '4711008150047', securityCode: '0047' };
    const linkId = await establishedLink(api, token, account);
    await faults('timeout');
    const { exchangeId } = await api.expect<{ exchangeId: string }>(202, 'POST', '/exchange/v1/exchanges', {
      token,
      body: { linkId, points: POINTS },
    });
    const state = async () =>
      (
        await api.expect<{ state: string }>(200, 'GET', `/exchange/v1/exchanges/${exchangeId}`, {
          token: await people.staff('operator'),
        })
      ).state;
    await until(async () => (await state()) === 'outcome_unknown');

    const erasureId = await erase(personId);
    await until(async () => (await proofOf(erasureId)).keys?.[0]?.waitsFor.includes(exchangeId) === true);
    expect((await proofOf(erasureId)).keys).toMatchObject([{ state: 'begun', destroyedAt: null }]);
    expect(await creditsOf(exchangeId)).toEqual([]);
    await faults('none');
    await until(async () => (await state()) === 'confirmed');
    await until(async () => (await proofOf(erasureId)).keys?.[0]?.state === 'done');
    expect(await creditsOf(exchangeId)).toEqual([POINTS]);
    const [key] = (await proofOf(erasureId)).keys ?? [];
    expect(key).toMatchObject({ waitsFor: [], destroyedAt: expect.any(String) });
    const dump = await dumpOf('service_link');
    expect(dump).toContain(key?.keyHash);
    for (const secret of [account.providerAccountId, Buffer.from(account.providerAccountId).toString('hex')])
      expect(dump).not.toContain(secret);
    const left = await withClient(people.databases.owner, (client) =>
      client.query(
        `select (select count(*)::int from service_link.link_accounts) as accounts,
                (select count(*)::int from service_link.link_secrets) as secrets,
                (select count(*)::int from service_link.vault_keys where wrapped is not null) as keys`,
      ),
    );
    expect(left.rows).toEqual([{ accounts: 0, secrets: 0, keys: 0 }]);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 120_000);
});

/** Polls a state; jest's time limit ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 200));
}
