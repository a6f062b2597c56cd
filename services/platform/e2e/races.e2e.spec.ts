import { type ClaimAnswer, claim, claimEnd, launchCampaign, untilState } from './launch.js';
import { People, refusal, simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';
import { allEvents } from './recorded.js';

const PAIRS = 1_000;
const PAIRS_AT_ONCE = 16;
const AMOUNT_POINTS = 100;
const GRANTS_MAX = 1_000;
/** Claims on the last 1 %, six times as many as fit. */
const LATE_CLAIMS = 60;
const CLAIMS_AT_ONCE = 50;

describe('many who want the same at the same moment', () => {
  let platform: PlatformProcess;
  let people: People;
  let citizens: string[];
  beforeAll(async () => {
    platform = await PlatformProcess.create();
    await platform.start();
    people = People.of(platform);
    citizens = await people.citizens(2 * PAIRS);
  }, 120_000);
  afterAll(() => platform.remove());

  it(`two persons and one provider account, ${PAIRS} pairs: one has it, the other is refused`, async () => {
    const ended = await inTurns(PAIRS_AT_ONCE, PAIRS, async (pair) => {
      const order = simPayAccount();
      const both = [citizens[2 * pair] ?? '', citizens[2 * pair + 1] ?? ''];
      const ends = await Promise.all(both.map((token) => linkEnd(token, order)));
      return ends.sort().join(', ');
    });
    const outcomes = new Set(ended);
    outcomes.delete('established, refused account_taken');
    outcomes.delete('409 service_link.account_taken, established');
    expect([...outcomes]).toEqual([]);
    // Most pairs met at the guards themselves: the check before the request alone would let both through.
    expect(ended.filter((end) => end.startsWith('established')).length).toBeGreaterThan(PAIRS / 10);

    const events = await allEvents(people.databases);
    const count = (type: string) => events.filter((event) => event.type === type).length;
    expect(count('LinkEstablished')).toBe(PAIRS);
    const bound = events.filter(({ type }) => type === 'ServiceAccountBound').map(({ stream }) => stream);
    expect(new Set(bound).size).toBe(bound.length);
  }, 180_000);

  async function linkEnd(token: string, body: object): Promise<string> {
    const answer = await platform.api.call<{ linkId: string }>('POST', '/service-link/v1/links', { token, body });
    if (answer.status !== 202) return refusal(answer);
    const path = `/service-link/v1/links/${answer.body.linkId}`;
    const { state, reasonCode } = await untilState(platform.api, path, token, ['established', 'refused'], 30_000);
    return reasonCode === undefined ? state : `${state} ${reasonCode}`;
  }

  it('the last 1 % of a fund: granted to its last point, and not one more', async () => {
    const operator = await people.staff('operator');
    const fundPoints = GRANTS_MAX * AMOUNT_POINTS;
    const launched = await launchCampaign(platform.api, operator, { fundPoints, amountPoints: AMOUNT_POINTS });
    const undrawn = () =>
      platform.api
        .expect<{ undrawnPoints: number }>(200, 'GET', `/point-ledger/v1/funds/${launched.fundId}`, { token: operator })
        .then(({ undrawnPoints }) => undrawnPoints);
    const claimAll = async (tokens: readonly string[], atOnce: number): Promise<ClaimAnswer[]> => {
      const claims = await inTurns(atOnce, tokens.length, async (index) => {
        const token = tokens[index] ?? '';
        return { token, claimId: (await claim(platform.api, launched, token)).body.claimId };
      });
      return inTurns(atOnce, claims.length, async (index) => {
        const { token = '', claimId = '' } = claims[index] ?? {};
        return claimEnd(platform.api, token, claimId, 30_000);
      });
    };
    const early = GRANTS_MAX * 0.99;
    const first = await claimAll(citizens.slice(0, early), CLAIMS_AT_ONCE);
    expect(first.filter(({ state }) => state === 'granted')).toHaveLength(early);
    expect(await undrawn()).toBe(fundPoints / 100);

    const late = await claimAll(citizens.slice(early, early + LATE_CLAIMS), LATE_CLAIMS);
    expect(late.filter(({ state }) => state === 'granted')).toHaveLength(GRANTS_MAX - early);
    const refused = late.filter(({ state }) => state === 'refused');
    expect(refused).toHaveLength(LATE_CLAIMS - (GRANTS_MAX - early));
    expect(new Set(refused.map(({ reasonCode }) => reasonCode))).toEqual(new Set(['fund_exhausted']));
    expect(await undrawn()).toBe(0);
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }, 180_000);
});

/** Runs `work` for 0 to count − 1, so many at once; the results in order. */
async function inTurns<T>(atOnce: number, count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
