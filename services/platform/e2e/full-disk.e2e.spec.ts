import { setTimeout as pause } from 'node:timers/promises';
import { type SmallDisk, smallDisk, smallDiskMeans } from '@tsunagu/testing';
import { Client } from 'pg';
import { claimEnd, type Launched, launchCampaign } from './launch.js';
import { People } from './people.js';
import { PlatformProcess } from './platform-process.js';

const PEOPLE = 300;
const AMOUNT_POINTS = 10;
const WORKING_AGAIN_WITHIN_MS = 60_000;
const SEGMENTS_MAX = 100;

interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

const { means, leftOut } = smallDiskMeans();
if (leftOut) {
  process.stderr.write(`full disk left out: ${leftOut}\n`);
  it.skip(`left out: ${leftOut}`, () => undefined);
} else describe('the platform on a full disk', suite);

function suite(): void {
  let disk: SmallDisk;
  let platform: PlatformProcess;
  let people: People;
  let launched: Launched;
  let tokens: string[];
  /** By token: what was acknowledged. */
  const receipts = new Map<string, string>();

  beforeAll(async () => {
    disk = smallDisk(means[0] ?? 'library');
    platform = await PlatformProcess.create({ dataDirectory: disk.directory, environment: disk.environment });
    await platform.start();
    people = People.of(platform);
    launched = await launchCampaign(platform.api, await people.staff('operator'), {
      fundPoints: PEOPLE * AMOUNT_POINTS,
      amountPoints: AMOUNT_POINTS,
    });
    tokens = await people.citizens(PEOPLE);
  }, 120_000);
  afterAll(async () => {
    disk.free();
    await platform.stop();
    disk.remove();
  }, 60_000);

  it('answers a claim that it cannot record with 503, says why, and goes on by itself when there is space', async () => {
    // A fresh segment of WAL: what finds no space is the tables, not yet what the server needs to live.
    await onServer('checkpoint');
    await onServer(`select pg_logical_emit_message(true, 'spec', 'x'), pg_switch_wal()`);
    disk.fill();
    const refused = new Set<string>();
    for (const token of tokens) {
      const answer = await claim(token);
      if (answer.status === 202) receipts.set(token, receiptIn(answer));
      else {
        expect(answer).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) });
        expect(JSON.parse(answer.text)).toMatchObject({ code: 'service.unavailable' });
        expect(answer.text).not.toMatch(/space|extend|base\/|relation|store\./);
        refused.add(token);
      }
      if (refused.size === 10) break;
    }
    expect(refused.size).toBe(10);
    const ready = await platform.api.call<{ reasons: string[] }>('GET', '/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.body.reasons).toContain(
      'campaign: nothing can be recorded in log 0: the disk of its database is full',
    );
    // What is recorded is still told.
    const campaign = `/campaign/v1/campaigns/${launched.campaignId}`;
    expect((await platform.api.call('GET', campaign)).status).toBe(200);

    disk.free();
    await untilReady();
    await everyReceiptStands([...receipts.keys(), ...refused]);
  }, 180_000);

  it('ends with one sentence when the database has no room to live, and finds everything at the next start', async () => {
    disk.fill();
    const ended = platform.end();
    let isOver = false;
    void ended.finally(() => {
      isOver = true;
    });
    const more = tokens.filter((token) => !receipts.has(token));
    for (let segment = 0; !isOver; segment += 1) {
      expect(segment).toBeLessThan(SEGMENTS_MAX);
      const token = more.pop() ?? '';
      const answer = await claim(token).catch(() => undefined);
      if (answer?.status === 202) receipts.set(token, receiptIn(answer));
      else expect([undefined, 503]).toContain(answer?.status);
      await onServer(`select pg_logical_emit_message(true, 'spec', 'x'), pg_switch_wal()`).catch(() => pause(50));
    }
    const { code, output } = await ended;
    expect(code).toBe(1);
    const said = output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    expect(said.slice(-1)).toEqual([
      'PostgreSQL ended by itself: the disk is full. The platform stops; start it again with npm start.',
    ]);
    const again = await platform.start().catch((error: Error) => error.message);
    expect(again).toMatch(/^ended with 1:\n.*the disk is full\.\n$/);
    expect(again).not.toContain('    at ');

    await platform.stop();
    disk.free();
    await platform.start();
    people = People.of(platform);
    await everyReceiptStands([...receipts.keys()]);
  }, 180_000);

  /** Everybody claims again, as a client does: the receipt is the one that was given, the points come, the logs verify. */
  async function everyReceiptStands(claimants: readonly string[]): Promise<void> {
    for (const token of claimants) {
      const answer = await claim(token);
      expect([200, 202]).toContain(answer.status);
      const given = receipts.get(token);
      if (given !== undefined) expect([answer.status, receiptIn(answer)]).toEqual([200, given]);
      receipts.set(token, receiptIn(answer));
      const { claimId } = JSON.parse(answer.text) as { claimId: string };
      expect((await claimEnd(platform.api, token, claimId)).state).toBe('granted');
    }
    expect(await platform.run('verify')).toMatchObject({ code: 0 });
  }

  async function untilReady(): Promise<void> {
    const until = Date.now() + WORKING_AGAIN_WITHIN_MS;
    for (;;) {
      const { status, body } = await platform.api.call('GET', '/health/ready');
      if (status === 200) return;
      if (Date.now() > until) throw new Error(`not ready again: ${JSON.stringify(body)}`);
      await pause(100);
    }
  }

  /** With its headers. */
  async function claim(token: string): Promise<Answered> {
    const path = `/campaign/v1/campaigns/${launched.campaignId}/claims`;
    const response = await fetch(platform.api.baseUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ measureId: launched.measureId }),
    });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      text: await response.text(),
    };
  }

  async function onServer(sql: string): Promise<void> {
    const client = new Client({ connectionString: people.databases.superuser });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}

function receiptIn({ text }: Answered): string {
  return (JSON.parse(text) as { receipt: { number: string } }).receipt.number;
}
