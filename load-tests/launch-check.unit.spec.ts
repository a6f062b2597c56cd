import type { RecordedEvent } from '@tsunagu/event-store';
import { checkLaunch, type LaunchRecord } from './launch-check.js';

type Read = RecordedEvent<string, Record<string, unknown>>;

function event(position: number, type: string, stream: string, data: Record<string, unknown>): Read {
  return {
    id: `id-${position}`,
    type,
    stream,
    data,
    position,
    log: 0,
    revision: 0,
    schemaVersion: 1,
    requestId: `request-${position}`,
    effectiveAt: '2026-11-20T01:00:00.000Z',
    recordedAt: '2026-11-20T01:00:00.000Z',
    correlationId: 'c',
    causationId: null,
    actor: 'service:test',
    ownerId: 'demo',
  };
}

const claimed = (position: number, person: string) =>
  event(position, 'ClaimAccepted', `entitlement-m+${person}`, {
    claimId: `claim-${person}`,
    personId: person,
    measureId: 'm',
  });
const grantedClaim = (position: number, person: string) =>
  event(position, 'ClaimGranted', `entitlement-m+${person}`, { claimId: `claim-${person}` });
const grant = (position: number, person: string) =>
  event(position, 'PointsGranted', `account-${person}`, {
    claimId: `claim-${person}`,
    personId: person,
    measureId: 'm',
    fundId: 'f',
    amountPoints: 10,
  });
const drawn = (position: number, points: number) => event(position, 'FundDrawn', 'fundLease-l', { points });

/** Two people, each granted ten points from a fund of a hundred. */
const sound: LaunchRecord = {
  receipts: [
    { person: 0, claimId: 'claim-a', receipt: 'R-A' },
    { person: 1, claimId: 'claim-b', receipt: 'R-B' },
    { person: 0, claimId: 'claim-a', receipt: 'R-A' },
  ],
  campaignEvents: [claimed(1, 'a'), claimed(2, 'b'), grantedClaim(3, 'a'), grantedClaim(4, 'b')],
  ledgerEvents: [
    event(1, 'FundCommitted', 'fund-f', { amountPoints: 100 }),
    event(2, 'LeaseOpened', 'fundLease-l', { fundId: 'f' }),
    grant(3, 'a'),
    grant(4, 'b'),
    drawn(5, 20),
  ],
  trialBalance: { debitPoints: 120, creditPoints: 120 },
};

describe('the checker that runs after a launch', () => {
  it('finds nothing wrong with a sound launch', () => {
    expect(checkLaunch(sound)).toEqual([]);
  });

  it('finds a doubled grant', () => {
    const doubled = { ...sound, ledgerEvents: [...sound.ledgerEvents, grant(6, 'a')] };
    expect(checkLaunch(doubled)).toEqual([
      'granted twice: measure and person m+a, again at position 6',
      'fund f: 20 drawn and 30 granted',
    ]);
  });

  it('finds a lost grant', () => {
    const lost = { ...sound, ledgerEvents: sound.ledgerEvents.filter(({ position }) => position !== 4) };
    expect(checkLaunch(lost)).toEqual([
      'receipt R-B (claim claim-b) shows granted and the ledger has no grant',
      'fund f: 20 drawn and 10 granted',
    ]);
  });

  it('finds a receipt that never ended, one the log does not know, and a second claim of one person', () => {
    const record = {
      ...sound,
      receipts: [...sound.receipts, { person: 1, claimId: 'claim-x', receipt: 'R-X' }],
      campaignEvents: sound.campaignEvents.filter(({ position }) => position !== 4),
    };
    expect(checkLaunch(record)).toEqual([
      'receipt R-B (claim claim-b) has not ended',
      'person 1 holds two claims: claim-b and claim-x',
      'receipt R-X (claim claim-x) is not in the log',
    ]);
  });

  it('finds a fund that gave too much and a trial balance that differs', () => {
    const [committed, ...rest] = sound.ledgerEvents;
    const record = {
      ...sound,
      ledgerEvents: [{ ...(committed as Read), data: { amountPoints: 15 } }, ...rest],
      trialBalance: { debitPoints: 1, creditPoints: 0 },
    };
    expect(checkLaunch(record)).toEqual([
      'fund f: 20 granted of 15 committed',
      'the trial balance differs: 1 debit, 0 credit',
    ]);
  });
});
