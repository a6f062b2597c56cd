import { randomInt } from 'node:crypto';
import { startKafka } from '../../../infra/kafka-local/kafka-local.mjs';
import { Closers } from '../src/closers.js';
import { DataDirectory } from '../src/data-directory.js';
import { readSettings } from '../src/settings.js';
import { startEmbedded } from '../src/start-embedded.js';
import { describeWithKafka, startLimitMs } from './kafka-platform.js';
import { account, claim, claimEnd, establishedLink, type Launched, launchCampaign, untilState } from './launch.js';
import { simPayAccount } from './people.js';
import { PlatformProcess } from './platform-process.js';
import { TamperedKafka, Tampering } from './tampered-feed.js';

const PEOPLE = 200;
const EXCHANGERS = 50;
const AMOUNT_POINTS = 1_000;
const EXCHANGED_POINTS = 300;
const waitMs = 120_000;

/** Long enough that no sweeper mends here what a feed lost. */
const sweepersAsleep = {
  CAMPAIGN_CLAIM_DEADLINE_SECONDS: '86400',
  TSUNAGU_EXCHANGE_OVERDUE_SECONDS: '86400',
  LEDGER_HOLD_ASK_SECONDS: '86400',
};

await describeWithKafka('Kafka messages dropped, doubled and shuffled in the way of claims and exchanges', () => {
  const tampering = new Tampering(Number(process.env.TSUNAGU_TAMPER_SEED ?? randomInt(1_000_000)));
  const closers = new Closers();
  let platform: PlatformProcess;
  let launched: Launched;
  let people: string[];

  beforeAll(async () => {
    process.env.LOG_LEVEL ??= 'error';
    Object.assign(process.env, sweepersAsleep);
    // Its data directory, port and commands; what runs there is composed in this process.
    platform = await PlatformProcess.create();
    const settings = readSettings({ PORT: String(platform.port), TSUNAGU_DATA: platform.dataDirectory });
    const directory = new DataDirectory(settings.dataDirectory);
    directory.create();
    await directory.lock();
    closers.add('the data directory', () => directory.unlock());
    const broker = await startKafka({ directory: directory.kafka });
    closers.add('Kafka', () => broker.stop());
    const kafka = new TamperedKafka({ brokers: [broker.broker], clientId: 'tampered' }, tampering);
    await startEmbedded({ settings, directory, closers }, kafka.openFeed);
    closers.add('the relays', () => kafka.closeRelays());
    await kafka.startRelays();

    people = await platform.tokens('--role', 'citizen', '--count', String(PEOPLE));
    launched = await launchCampaign(platform.api, await platform.token('operator'), {
      fundPoints: PEOPLE * AMOUNT_POINTS,
      amountPoints: AMOUNT_POINTS,
    });
  }, startLimitMs);
  afterAll(async () => {
    await closers.closeAll();
    await platform?.remove();
  }, startLimitMs);

  it(
    `ends every claim granted, once, and takes the fund to its last point (seed ${tampering.seed})`,
    async () => {
      const ends = await Promise.all(
        people.map(async (token) => {
          const { status, body } = await claim(platform.api, launched, token);
          expect(status).toBe(202);
          return claimEnd(platform.api, token, body.claimId, waitMs);
        }),
      );
      expect(new Set(ends.map(({ state }) => state))).toEqual(new Set(['granted']));
      for (const token of people) {
        const mine = await account(platform.api, token);
        expect(mine).toMatchObject({ availablePoints: AMOUNT_POINTS, heldPoints: 0 });
        expect(mine.lots).toHaveLength(1);
      }
      expect(await undrawnPoints()).toBe(0);
    },
    2 * waitMs,
  );

  it(
    `ends every exchange confirmed, credited and captured, once (seed ${tampering.seed})`,
    async () => {
      const ends = await Promise.all(
        people.slice(0, EXCHANGERS).map(async (token) => {
          const linkId = await establishedLink(platform.api, token, simPayAccount());
          const { exchangeId } = await platform.api.expect<{ exchangeId: string }>(
            202,
            'POST',
            '/exchange/v1/exchanges',
            {
              token,
              body: { linkId, points: EXCHANGED_POINTS },
            },
          );
          return untilState(
            platform.api,
            `/exchange/v1/exchanges/${exchangeId}`,
            token,
            ['confirmed', 'rejected'],
            waitMs,
          );
        }),
      );
      expect(new Set(ends.map(({ state }) => state))).toEqual(new Set(['confirmed']));
      for (const [index, token] of people.entries()) {
        const exchanged = index < EXCHANGERS ? EXCHANGED_POINTS : 0;
        expect(await account(platform.api, token)).toMatchObject({
          availablePoints: AMOUNT_POINTS - exchanged,
          heldPoints: 0,
        });
      }
      const points = EXCHANGERS * EXCHANGED_POINTS;
      const { totals } = await platform.api.expect<{ totals: object }>(200, 'GET', '/sim-pay/ledger');
      expect(totals).toEqual({ count: EXCHANGERS, points, providerPoints: points });
    },
    2 * waitMs,
  );

  it('was tampered with on the whole way, and the gaps were read from the logs', async () => {
    const { damage, seed, overtaken } = tampering;
    const ways = [
      'ClaimAccepted',
      'PointsGranted',
      'ExchangeRequested',
      'PointsHeld',
      'ExchangeConfirmed',
      'HoldCaptured',
    ];
    for (const type of ways) {
      expect({ seed, type, damage: damage.get(type) }).toEqual({
        seed,
        type,
        damage: { passed: expect.any(Number), dropped: expect.any(Number), doubled: expect.any(Number) },
      });
      expect(damage.get(type)?.dropped).toBeGreaterThan(0);
      expect(damage.get(type)?.doubled).toBeGreaterThan(0);
    }
    expect(overtaken).toBeGreaterThan(0);
    const metrics = await (await fetch(`${platform.api.baseUrl}/metrics`)).text();
    for (const group of ['campaign', 'point-ledger', 'exchange-settlement']) {
      const filled = metrics.match(
        new RegExp(`^tsunagu_feed_filled_messages_total\\{.*group="${group}".*\\} [1-9]\\d*$`, 'gm'),
      );
      expect({ seed, group, filled: filled?.length ?? 0 }).not.toMatchObject({ filled: 0 });
    }
  });

  it(
    'holds every invariant, with both sides of the books equal and no dead letter',
    async () => {
      const verified = await platform.run('verify');
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.stdout).toContain(
        `${PEOPLE} claims (0 in progress), ${EXCHANGERS} exchanges (0 with points held)`,
      );
      const token = await platform.token('auditor');
      const { rows, totals } = await platform.api.expect<{
        rows: { account: string; creditPoints: number }[];
        totals: { debitPoints: number; creditPoints: number };
      }>(200, 'GET', '/point-ledger/v1/trial-balance', { token });
      expect(totals.debitPoints).toBe(totals.creditPoints);
      const credited = rows.filter(
        ({ account: name }) => name === `provider:sim-pay:fund:${launched.fundId}:exchanged`,
      );
      expect(credited).toMatchObject([{ creditPoints: EXCHANGERS * EXCHANGED_POINTS }]);
      const { stdout } = await platform.run('status');
      expect(stdout.match(/dead letters 0, and 0 waiting/g)).toHaveLength(5);
    },
    waitMs,
  );

  async function undrawnPoints(): Promise<number> {
    const path = `/point-ledger/v1/funds/${launched.fundId}`;
    const token = await platform.token('operator');
    return (await platform.api.expect<{ undrawnPoints: number }>(200, 'GET', path, { token })).undrawnPoints;
  }
});
