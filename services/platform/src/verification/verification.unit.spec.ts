import { checkClaims } from './claims.js';
import { checkDecisions } from './decisions.js';
import { checkExchanges } from './exchanges.js';
import type { Finding } from './finding.js';
import { type KeptRecord, keep, keepRequest, keptOf, type Read, role } from './kept.js';
import { checkOrder, checkRequests, checkRevisions } from './scan.js';
import { Spill } from './spill.js';

const T0 = Date.parse('2026-11-20T01:00:00.000Z');

function event(
  position: number,
  type: string,
  stream: string,
  data: Record<string, unknown>,
  more: Partial<Read> = {},
): Read {
  return {
    id: `event-${position}`,
    type,
    stream,
    data,
    position,
    revision: 0,
    log: 0,
    schemaVersion: 1,
    requestId: `request-${position}`,
    effectiveAt: new Date(T0).toISOString(),
    recordedAt: new Date(T0 + position).toISOString(),
    correlationId: 'c',
    causationId: null,
    actor: 'service:test',
    ownerId: 'demo',
    ...more,
  };
}

describe.each([1, 512])('the order of a log, its streams and requests in %d buckets', (buckets) => {
  const found = (events: readonly Read[]) => {
    const findings: Finding[] = [];
    const say = (finding: Finding) => void findings.push(finding);
    const spill = Spill.open<KeptRecord>(buckets);
    const order = checkOrder('campaign', say);
    for (const each of events) {
      if (order.take(each)) keepRequest(spill, 'campaign', each);
      keep(spill, 'campaign', each);
    }
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const [revisions, requests] = [checkRevisions(say), checkRequests(say)];
      for (const kept of [...spill.records(bucket)].map(keptOf))
        (kept.roles === role.request ? requests : revisions).take(kept);
    }
    spill.close();
    return findings.map(({ detail }) => detail);
  };
  const first = event(1, 'A', 's', {});

  it('is sound', () => {
    expect(
      found([first, event(2, 'B', 's', {}, { revision: 1, requestId: 'request-1' }), event(3, 'C', 't', {})]),
    ).toEqual([]);
  });

  it.each([
    ['a removed event', [first, event(3, 'C', 't', {})], 'position 3 follows 1'],
    [
      'a revision that is missing',
      [first, event(2, 'B', 's', {}, { revision: 2 })],
      's has revision 2 where 1 was due',
    ],
    [
      'a time that goes back',
      [first, event(2, 'B', 't', {}, { recordedAt: '2026-01-01T00:00:00.000Z' })],
      'recorded at 2026-01-01T00:00:00.000Z, before its predecessor',
    ],
    [
      'a request in pieces',
      [first, event(2, 'B', 't', {}), event(3, 'C', 'u', {}, { requestId: 'request-1' })],
      'request request-1 is in pieces',
    ],
  ])('shows %s', (_, events, detail) => {
    expect(found(events)).toContain(detail);
  });
});

describe('I1 and I2 between the campaign and the ledger', () => {
  const accepted = event(1, 'ClaimAccepted', 'entitlement-m+p', { claimId: 'c1' });
  const held = event(1, 'ClaimAccepted', 'entitlement-m+p', { claimId: 'c1', heldFor: 'identity_review' });
  const released = event(2, 'ClaimReopened', 'entitlement-m+p', { claimId: 'c1', attempt: 2 }, { revision: 1 });
  const grant = event(1, 'PointsGranted', 'account-p', { claimId: 'c1' });
  const shown = event(2, 'ClaimGranted', 'entitlement-m+p', { claimId: 'c1' }, { revision: 1 });
  const found = (campaign: readonly Read[], ledger: readonly Read[], afterMs = 10_000) => {
    const check = checkClaims();
    campaign.forEach(check.takeCampaign);
    ledger.forEach(check.takeLedger);
    const nowMs = T0 + afterMs;
    const { findings } = check.findings({
      nowMs,
      graceMs: 60_000,
      begun: new Date(nowMs).toISOString(),
      isOfList: () => false,
    });
    return findings.map(({ invariant, detail }) => `${invariant} ${detail}`);
  };

  it('finds nothing in a sound pair, nor in a claim that has just been made', () => {
    expect(found([accepted, shown], [grant])).toEqual([]);
    expect(found([accepted], [])).toEqual([]);
  });

  it('does not take a claim that identity holds for a lost one, however long a review takes', () => {
    expect(found([held], [], 30 * 86_400_000)).toEqual([]);
    expect(found([held, released, { ...shown, position: 3, revision: 2 }], [grant], 30 * 86_400_000)).toEqual([]);
  });

  it('takes a refusal of a revoked person for the campaign’s own: the ledger was not asked', () => {
    const data = { claimId: 'c1', attempt: 1, reasonCode: 'identity_revoked' };
    const refused = event(2, 'ClaimRefused', 'entitlement-m+p', data, { revision: 1 });
    expect(found([held, refused], [], 30 * 86_400_000)).toEqual([]);
    expect(found([held, refused], [grant])).toEqual(['I1 claim c1 shows refused and was granted']);
  });

  it.each([
    ['a claim granted while identity held it', [held], [grant], 0, /^I1 claim c1 was granted while identity held it/],
    ['a held claim that waits too long once it is released', [held, released], [], 120_000, /^I2 claim c1 waits since/],
    ['a claim that waits too long', [accepted], [], 120_000, /^I2 claim c1 waits since/],
    [
      'a grant that the ledger lost',
      [accepted, shown],
      [],
      0,
      /^I2 claim c1 shows granted and the ledger has no grant/,
    ],
    ['a grant that nobody claimed', [], [grant], 10_000, /^I1 a grant for claim c1, which nobody made/],
    [
      'two claims of one person on one measure',
      [accepted, event(2, 'ClaimAccepted', 'entitlement-m+p', { claimId: 'c2' })],
      [],
      0,
      /^I1 entitlement-m\+p holds two claims: c1 and c2/,
    ],
    [
      'a refusal that the ledger never made',
      [accepted, event(2, 'ClaimRefused', 'entitlement-m+p', { claimId: 'c1', attempt: 1 })],
      [],
      0,
      /^I2 claim c1 shows refused and the ledger never refused it/,
    ],
    [
      'a refused claim that was granted',
      [accepted, event(2, 'ClaimRefused', 'entitlement-m+p', { claimId: 'c1', attempt: 1 })],
      [grant, event(2, 'GrantRefused', 'account-p', { claimId: 'c1', attempt: 1 })],
      0,
      /^I1 claim c1 shows refused and was granted/,
    ],
  ])('shows %s', (_, campaign, ledger, afterMs, expected) => {
    expect(found(campaign, ledger, afterMs).join('\n')).toMatch(expected);
  });
});

describe('I6 of a claim whose person or facts are gone', () => {
  const personId = '019ab3f0-6c00-7000-8000-000000000001';
  const [entitlement, consents] = [`entitlement-m+${personId}`, `consent-${personId}`];
  const withdrawnAt = '2026-11-20T02:00:00.000Z';
  const note = event(1, 'WithdrawalNoted', consents, { personId, withdrawnAt });
  const standing = `standing-${personId}`;
  const revoked = event(1, 'RevocationNoted', standing, { personId, change: 1, revoked: true });
  const restored = event(2, 'RevocationNoted', standing, { personId, change: 2, revoked: false });
  const erased = event(1, 'ErasureNoted', standing, { personId });
  const goneOn = (read: number) =>
    event(3, 'ClaimReopened', entitlement, { personId, answers: [] }, { reads: { [standing]: read } });
  const reopened = (factReadAt: string, read?: number) =>
    event(
      2,
      'ClaimReopened',
      entitlement,
      { personId, answers: [{ rule: 'age', answer: 'yes', factReadAt }] },
      read === undefined ? {} : { reads: { [consents]: read } },
    );
  const found = (...events: readonly Read[]) => {
    const findings: Finding[] = [];
    const grounds = { campaigns: new Map() } as unknown as Parameters<typeof checkDecisions>[0];
    const check = checkDecisions(grounds, (finding) => void findings.push(finding));
    const spill = Spill.open<KeptRecord>(512);
    for (const each of events) keep(spill, 'campaign', each);
    for (let bucket = 0; bucket < 512; bucket += 1) {
      const kept = [...spill.records(bucket)].map(keptOf);
      const noted = kept.filter(({ type }) => type.endsWith('Noted')) as unknown as Parameters<typeof check.claim>[1];
      for (const each of kept) if (each.type === 'ClaimReopened') check.reopened(each, noted);
    }
    spill.close();
    return findings.map(({ invariant, detail }) => `${invariant} ${detail}`);
  };

  it('is none where it goes on with what was read since, or was on its way before that was known', () => {
    expect(found(note, reopened('2026-11-20T02:00:00.001Z', 0))).toEqual([]);
    expect(found(note, reopened('2026-11-20T01:00:00.000Z', -1))).toEqual([]);
    // Of releases that knew of no withdrawal.
    expect(found(reopened('2026-11-20T01:00:00.000Z'))).toEqual([]);
  });

  it('is none where it goes on with a person who proved themselves again, or was on its way before', () => {
    expect(found(revoked, { ...restored, revision: 1 }, goneOn(1))).toEqual([]);
    expect(found(revoked, goneOn(-1))).toEqual([]);
  });

  it.each([
    ['revoked', revoked],
    ['erased', erased],
  ])('is found where it goes on with a person that its decision read as %s', (_, noted) => {
    expect(found(noted, goneOn(0))).toEqual([
      'I6 ClaimReopened: deciding again from what was recorded gives another outcome',
    ]);
  });

  it('is found where it goes on with what its decision read as withdrawn', () => {
    expect(found(note, reopened(withdrawnAt, 0))).toEqual([
      'I6 ClaimReopened: deciding again from what was recorded gives another outcome',
    ]);
  });
});

describe('I2 of exchanges', () => {
  const data = { exchangeId: 'x1', points: 100 };
  const requested = event(1, 'ExchangeRequested', 'exchange-x1', data);
  const confirmed = event(2, 'ExchangeConfirmed', 'exchange-x1', data);
  const rejected = event(2, 'ExchangeRejected', 'exchange-x1', data);
  const held = event(1, 'PointsHeld', 'account-p', data);
  const captured = event(2, 'HoldCaptured', 'account-p', data);
  const released = event(2, 'HoldReleased', 'account-p', data);
  const found = (exchange: readonly Read[], ledger: readonly Read[]) => {
    const check = checkExchanges();
    exchange.forEach(check.takeExchange);
    ledger.forEach(check.takeLedger);
    return check.findings().findings.map(({ detail }) => detail);
  };

  it('finds nothing where each hold ends as its owner says, or is still held', () => {
    expect(found([requested, confirmed], [held, captured])).toEqual([]);
    expect(found([requested, rejected], [held, released])).toEqual([]);
    expect(found([requested], [held])).toEqual([]);
  });

  it('takes a capture in part as its owner confirmed it, the rest released', () => {
    const [part, rest] = [70, 30].map((points) => ({ exchangeId: 'x1', points }));
    const confirmedPart = event(2, 'ExchangeConfirmed', 'exchange-x1', part ?? {});
    const capturedPart = event(2, 'HoldCaptured', 'account-p', part ?? {});
    const releasedRest = event(3, 'HoldReleased', 'account-p', rest ?? {});
    expect(found([requested, confirmedPart], [held, capturedPart, releasedRest])).toEqual([]);
    expect(found([requested, confirmedPart], [held, capturedPart])).toEqual([
      'exchange x1 asked for 100 points and 70 moved',
    ]);
    expect(found([requested, confirmed], [held, capturedPart, releasedRest])).toEqual([
      'exchange x1 was credited with 100 points and captured with 70',
    ]);
  });

  it.each([
    ['a hold that nobody asked for', [], [held], 'a hold for exchange x1, which nobody asked for'],
    [
      'a capture without a confirmation',
      [requested],
      [held, captured],
      'exchange x1 was captured while its owner says open',
    ],
    [
      'a release of what was confirmed',
      [requested, confirmed],
      [held, released],
      'exchange x1 was released while its owner says confirmed',
    ],
    [
      'other points than were asked for',
      [requested, confirmed],
      [held, event(2, 'HoldCaptured', 'account-p', { exchangeId: 'x1', points: 90 })],
      'exchange x1 asked for 100 points and 90 moved',
    ],
  ])('shows %s', (_, exchange, ledger, detail) => {
    expect(found(exchange, ledger)).toContain(detail);
  });
});
