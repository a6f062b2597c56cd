import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isoTime, japanDayOf } from '@tsunagu/kernel';
import type { Card } from '@tsunagu/testing';
import type { ApiClient } from './api-client.js';
import { issueCards } from './cards.js';
import type { Reach } from './reach.js';
import { UserError } from './settings.js';
import { type StaffRole, signStaffToken } from './staff-tokens.js';
import { moveClock, readClock } from './stored-clock.js';

const GRANT_POINTS = 3_000;
const EXCHANGE_POINTS = 1_000;
const DAY_MS = 86_400_000;

/** The whole way of a point over the public API, printed step by step. Exit code 0 when the files add up. */
export async function runDemo(api: ApiClient, reach: Reach): Promise<number> {
  const say = stepPrinter();
  const staff = async (role: StaffRole, subject: string) =>
    signStaffToken(reach.directory.keys, {
      role,
      subject,
      ownerId: 'demo',
      ttlMs: 3_600_000,
      nowMs: (await readClock(reach.databases)).nowMs,
    });

  const [card] = await issueCards(reach, { count: 1, birthDate: '1990-04-01', residence: '13101' });
  if (!card) throw new UserError('The test issuer made no card.');
  say('card', `a test card of the issuer ${card.subject.split(',').slice(0, 2).join(',')}`);

  const session = await openSession(api, card);
  say('session', `person ${session.person.personId}, MyKey ID ${session.person.myKeyId ?? '(none)'}`);
  const citizen = session.accessToken;

  const operator = await staff('operator', 'operator');
  const { nowMs } = await readClock(reach.databases);
  const fund = await api.expect<{ fundId: string }>(201, 'POST', '/point-ledger/v1/funds', {
    token: operator,
    body: { name: 'Demo fund', amountPoints: 1_000_000, fiscalYear: 2026 },
  });
  say('fund', `${fund.fundId} with 1,000,000 points`);
  const campaign = await api.expect<{ campaignId: string; measures: { measureId: string }[] }>(
    201,
    'POST',
    '/campaign/v1/campaigns',
    {
      token: operator,
      body: {
        name: 'Demo campaign',
        opensAt: isoTime(nowMs - 1_000),
        closesAt: isoTime(nowMs + 30 * DAY_MS),
        measures: [
          {
            name: 'Living support',
            amountPoints: GRANT_POINTS,
            fundId: fund.fundId,
            eligibility: { minimumAge: 15, residencePrefixes: ['13'] },
            pointsExpireAfterMonths: 6,
          },
        ],
      },
    },
  );
  const opened = await api.expect<{ state: string }>(
    200,
    'POST',
    `/campaign/v1/campaigns/${campaign.campaignId}/open`,
    { token: operator },
  );
  say('campaign', `${campaign.campaignId} is ${opened.state}`);

  const claimed = await api.expect<{ claimId: string; receipt: { number: string } }>(
    202,
    'POST',
    `/campaign/v1/campaigns/${campaign.campaignId}/claims`,
    { token: citizen, body: { measureId: campaign.measures[0]?.measureId } },
  );
  say('claim', `${claimed.claimId}, receipt ${claimed.receipt.number}`);
  const claim = await untilState(api, `/campaign/v1/claims/${claimed.claimId}`, citizen, [
    'granted',
    'refused',
    'cancelled',
  ]);
  const account = await api.expect<{ availablePoints: number }>(200, 'GET', '/point-ledger/v1/accounts/me', {
    token: citizen,
  });
  say('points', `the claim is ${claim.state}; ${account.availablePoints} points are available`);

  const link = await api.expect<{ linkId: string }>(202, 'POST', '/service-link/v1/links', {
    token: citizen,
    body: accountAtProvider(),
  });
  const linked = await untilState(api, `/service-link/v1/links/${link.linkId}`, citizen, [
    'established',
    'refused',
    'ended',
  ]);
  say('link', `${link.linkId} to sim-pay is ${linked.state}`);

  const exchange = await api.expect<{ exchangeId: string }>(202, 'POST', '/exchange/v1/exchanges', {
    token: citizen,
    body: { linkId: link.linkId, points: EXCHANGE_POINTS },
  });
  const ended = await untilState(api, `/exchange/v1/exchanges/${exchange.exchangeId}`, citizen, [
    'confirmed',
    'rejected',
    'cancelled',
  ]);
  const after = await api.expect<{ availablePoints: number }>(200, 'GET', '/point-ledger/v1/accounts/me', {
    token: citizen,
  });
  say('exchange', `${exchange.exchangeId} is ${ended.state}; ${after.availablePoints} points are left`);

  await moveClock(reach.databases, DAY_MS);
  say('clock', 'moved one day forward, so that the day of the exchange is over');
  const settled = await settle(
    api,
    await staff('finance', 'finance'),
    await staff('finance', 'finance-approver'),
    japanDayOf(nowMs),
  );
  for (const line of settled.lines) say('settlement', line);

  const whole =
    claim.state === 'granted' && linked.state === 'established' && ended.state === 'confirmed' && settled.addsUp;
  console.log(
    whole
      ? `\nThe whole way is done. Ask for the claim again: npx tsunagu replay ${claimed.claimId}`
      : '\nThe way was not completed: see the states above.',
  );
  return whole ? 0 : 1;
}

/** The card signs the challenge, as an app would have it do. */
export async function openSession(api: ApiClient, card: Card) {
  const challenge = await api.expect<{ challengeId: string; nonce: string }>(201, 'POST', '/identity/v1/challenges', {
    body: {},
  });
  const nonce = Buffer.from(challenge.nonce, 'base64url');
  const signed = (privateKey: string) =>
    sign(
      'sha256',
      nonce,
      createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' }),
    ).toString('base64');
  return api.expect<{ accessToken: string; person: { personId: string; myKeyId: string | null } }>(
    201,
    'POST',
    '/identity/v1/sessions',
    {
      body: {
        challengeId: challenge.challengeId,
        certificate: card.certificate,
        signature: signed(card.privateKey),
        ...(card.signatureCertificate &&
          card.signaturePrivateKey && {
            attributes: { certificate: card.signatureCertificate, signature: signed(card.signaturePrivateKey) },
          }),
      },
    },
  );
}

/** Any account of 4–32 digits is one of the simulated provider's; its code is the last four. */
function accountAtProvider() {
  const digits = BigInt(`0x${randomUUID().replaceAll('-', '').slice(0, 15)}`)
    .toString()
    .padStart(16, '0')
    .slice(-16);
  return { providerId: 'sim-pay', providerAccountId: digits, securityCode: digits.slice(-4) };
}

async function untilState(
  api: ApiClient,
  path: string,
  token: string,
  ends: readonly string[],
): Promise<{ state: string }> {
  const until = Date.now() + 30_000;
  for (;;) {
    const found = await api.expect<{ state: string }>(200, 'GET', path, { token, prefer: 'wait=5' });
    if (ends.includes(found.state) || Date.now() > until) return found;
    await delay(100);
  }
}

interface Settlement {
  readonly settlementId: string;
  readonly state: string;
  readonly exchangeCount: number;
  readonly amountYen: number;
  readonly files: { name: string; bytes: number; sha256: string }[];
}

/** Closes the day, or says which settlement has it already: a second demo on one day finds the first one's. */
async function settle(api: ApiClient, closer: string, approver: string, day: string) {
  const closed = await api.call<Settlement & { code?: string }>('POST', '/settlement/v1/settlements', {
    token: closer,
    body: { providerId: 'sim-pay', from: day, to: day },
  });
  if (closed.body.code === 'settlement.overlaps') {
    return { lines: [`${day} is settled already; this exchange is carried into a later period`], addsUp: true };
  }
  if (closed.status !== 201) throw new UserError(`The settlement was not closed: ${JSON.stringify(closed.body)}`);
  const path = `/settlement/v1/settlements/${closed.body.settlementId}`;
  const lines = [
    `${closed.body.settlementId}: ${closed.body.exchangeCount} exchange(s), ${closed.body.amountYen} yen, ${closed.body.state}`,
  ];
  const approved = await api.expect<Settlement>(200, 'POST', `${path}/approve`, { token: approver });
  lines.push(`${approved.state} by a second person`);
  let addsUp = true;
  for (const file of approved.files) {
    const { status, bytes } = await api.bytes(`${path}/files/${file.name}`, closer);
    const fits = status === 200 && bytes.length === file.bytes;
    addsUp &&= fits;
    lines.push(
      `${file.name.padEnd(20)} ${String(file.bytes).padStart(6)} bytes  ${file.sha256.slice(0, 16)}…${fits ? '' : '  NOT AS LISTED'}`,
    );
  }
  return { lines, addsUp };
}

function stepPrinter(): (step: string, what: string) => void {
  let number = 0;
  let last = '';
  return (step, what) => {
    if (step !== last) number += 1;
    console.log(
      step === last ? `${' '.repeat(16)}${what}` : `${String(number).padStart(2)}  ${step.padEnd(11)} ${what}`,
    );
    last = step;
  };
}
