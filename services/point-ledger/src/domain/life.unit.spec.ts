import { idFromScope, isoTime } from '@tsunagu/kernel';
import fc from 'fast-check';
import { type Account, type AccountEvent, accountStream, emptyAccount } from './account.js';
import { granted, now, personId, request } from './builders.js';
import { type AccountRules, withConsequences } from './consequences.js';
import { decideExpiry, decideExtension } from './expiry.js';
import { decideHold, decideHoldEnd } from './hold.js';
import { type CheckedEvent, checkLedger } from './ledger-check.js';
import { isPastExpiry } from './lot.js';
import { type LedgerEvent, postingsOf } from './postings.js';
import { decideReversal, decideWriteOff } from './reversal.js';

/** Any history of an account, by every command there is: I3 and I5 hold after every step, counted in several ways. */

type Step =
  | { kind: 'grant'; points: number; hours: number | null; fund: number; owner: number }
  | { kind: 'hold'; points: number }
  | { kind: 'end'; which: number; outcome: 'confirmed' | 'released'; share: number }
  | { kind: 'wait'; hours: number }
  | { kind: 'expire' }
  | { kind: 'extend'; hours: number }
  | { kind: 'reverse'; which: number }
  | { kind: 'writeOff'; which: number };

const amount = fc.integer({ min: 1, max: 1_000 });
const which = fc.nat(4);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('grant' as const),
    points: amount,
    hours: fc.option(fc.integer({ min: 1, max: 40 })),
    fund: fc.nat(1),
    owner: fc.nat(1),
  }),
  fc.record({ kind: fc.constant('hold' as const), points: amount }),
  fc.record({
    kind: fc.constant('end' as const),
    which,
    outcome: fc.constantFrom('confirmed' as const, 'released' as const),
    share: fc.integer({ min: 1, max: 100 }),
  }),
  fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('expire' as const) }),
  fc.record({ kind: fc.constant('extend' as const), hours: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('reverse' as const), which }),
  fc.record({ kind: fc.constant('writeOff' as const), which }),
);
const rule: fc.Arbitrary<AccountRules> = fc.record({
  repayment: fc.record({ sharePercent: fc.integer({ min: 0, max: 100 }), pointsMax: fc.nat(800) }),
  releaseGraceHours: fc.constantFrom(0, 5),
});

/** Owner 0 has funds 0 and 1, owner 1 has fund 2 alone. */
const fundOf = (fund: number, owner: number) => idFromScope(`fund ${owner === 0 ? fund : 2}`);
const atHour = (hours: number) => isoTime(Date.parse(now) + hours * 3_600_000);

function decide(account: Account, step: Step, n: number, hour: number): AccountEvent | undefined {
  const at = atHour(hour);
  switch (step.kind) {
    case 'grant': {
      const { points, hours, fund, owner } = step;
      const ids = { claimId: `claim ${n}`, measureId: `measure ${n}`, lotId: idFromScope(`lot ${n}`) };
      const expiresAt = hours === null ? null : atHour(hour + hours);
      const paid = { fundId: fundOf(fund, owner), ownerId: `owner ${owner}`, amountPoints: points };
      return granted({ ...ids, ...paid, expiresAt, grantedAt: at });
    }
    case 'hold': {
      const asked = { exchangeId: `exchange ${n}`, points: step.points, payingOwnerIds: ['owner 0', 'owner 1'] };
      const decision = decideHold(
        account,
        request(asked),
        { holdId: idFromScope(`hold ${n}`) },
        { now: at, askOwnerAt: at },
      );
      return decision.outcome === 'decided' ? decision.event : undefined;
    }
    case 'end': {
      const [exchangeId, exchange] = [...account.exchanges][step.which] ?? [];
      if (exchangeId === undefined || exchange?.state === 'refused') return undefined;
      const points = Math.ceil(((exchange?.hold.points ?? 0) * step.share) / 100);
      const end = { exchangeId, personId, outcome: step.outcome, reasonCode: 'rejected', points };
      const decision = decideHoldEnd(account, end, at);
      return decision.outcome === 'decided' ? decision.event : undefined;
    }
    case 'expire': {
      const lot = [...account.lots].find((each) => decideExpiry(personId, each, at));
      return lot && decideExpiry(personId, lot, at);
    }
    case 'extend': {
      const times = { expiresFrom: at, expiresBefore: atHour(hour + 20), newExpiresAt: atHour(hour + step.hours) };
      const rule = { extensionId: `extension ${n}`, ownerId: 'owner 0', campaignId: null, fundId: null, ...times };
      return [...account.lots].map((lot) => decideExtension(personId, lot, rule, at)).find(Boolean);
    }
    case 'reverse': {
      const lotId = account.lots.at(step.which)?.lotId ?? 'none';
      const order = { reversalId: idFromScope(`reversal ${n}`), personId, lotId, reasonPattern: 'fraud' };
      const decision = decideReversal(account, order, at);
      return decision.outcome === 'decided' ? decision.event : undefined;
    }
    case 'writeOff': {
      const receivableId = [...account.receivables.keys()][step.which] ?? 'none';
      return decideWriteOff(account, { personId, receivableId, reasonPattern: 'hardship' });
    }
    case 'wait':
      return undefined;
  }
}

/** A checker of the whole ledger, given each grant the fund and the draw that it needs. */
function ledgerWithFunds() {
  const check = checkLedger();
  let position = 0;
  const take = (event: LedgerEvent, stream: string, requestId: string) => {
    position += 1;
    check.take({ id: `event ${position}`, stream, position, requestId, ...event } as CheckedEvent);
  };
  for (const [fundId, ownerId] of [
    [fundOf(0, 0), 'owner 0'],
    [fundOf(1, 0), 'owner 0'],
    [fundOf(0, 1), 'owner 1'],
  ] as const) {
    const terms = { ownerId, name: 'fund', fiscalYear: 2026, budgetCode: null, dryRun: false };
    const lease = { leaseId: `lease ${fundId}`, fundId, slot: 0, points: 1_000_000 };
    take({ type: 'FundCommitted', data: { fundId, ...terms, amountPoints: 1_000_000 } }, 'fund', `${fundId} 1`);
    take({ type: 'FundLeased', data: lease }, 'fund', `${fundId} 2`);
    take({ type: 'LeaseOpened', data: lease }, 'lease', `${fundId} 3`);
  }
  return {
    take(events: readonly AccountEvent[], requestId: string) {
      for (const event of events) take(event, accountStream(personId), requestId);
      for (const { type, data } of events) {
        if (type !== 'PointsGranted') continue;
        const { fundId, amountPoints: points } = data;
        take(
          { type: 'FundDrawn', data: { leaseId: `lease ${fundId}`, fundId, points, grants: 1 } },
          'lease',
          requestId,
        );
      }
    },
    violations: () => check.violations(),
  };
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

/** Adds events to credits less debits of every account of double entry. */
function post(totals: Map<string, number>, events: readonly AccountEvent[]) {
  const add = (account: string, points: number) => totals.set(account, (totals.get(account) ?? 0) + points);
  for (const { debitAccount, creditAccount, points } of events.flatMap((event) => postingsOf(event))) {
    add(debitAccount, -points);
    add(creditAccount, points);
  }
}

/** What is not as it must be; a list, because thousands of expectations a history are slow. */
function faultsOf(account: Account, totals: ReadonlyMap<string, number>, rules: AccountRules): readonly string[] {
  const faults: string[] = [];
  const must = (isTrue: boolean, what: string) => isTrue || faults.push(what);
  for (const lot of account.lots) {
    const { lotId, availablePoints, heldPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints } = lot;
    const places = [availablePoints, heldPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints];
    must(sum(places) === lot.amountPoints, `lot ${lotId} is not the sum of its places`);
    must(Math.min(...places) >= 0, `lot ${lotId} is below zero`);
    const share = Math.floor((lot.amountPoints * rules.repayment.sharePercent) / 100);
    must(repaidPoints <= Math.min(rules.repayment.pointsMax, share), `lot ${lotId} repaid more than the rule allows`);
    if (!lot.reversal) continue;
    // A reversed grant is wholly gone, owed, or still under a hold.
    must(availablePoints === 0, `lot ${lotId} is reversed and not gone`);
    const owed = [...account.receivables.values()].filter((each) => each.lotId === lotId);
    must(sum(owed.map((each) => each.points)) === exchangedPoints + repaidPoints, `lot ${lotId} is not owed`);
  }
  const held = [...account.exchanges.values()].flatMap((each) => (each.state === 'refused' ? [] : each.openLots));
  const heldInLots = sum([...account.lots].map((lot) => lot.heldPoints));
  must(sum(held.map((part) => part.points)) === heldInLots, 'holds and lots disagree');
  for (const fundId of [fundOf(0, 0), fundOf(1, 0), fundOf(0, 1)]) {
    const own = [...account.lots].filter((lot) => lot.fundId === fundId);
    for (const place of ['available', 'held', 'reversed', 'expired'] as const) {
      const posted = totals.get(`fund:${fundId}:${place}`) ?? 0;
      must(posted === sum(own.map((lot) => lot[`${place}Points`])), `${place} of ${fundId} is not what was posted`);
    }
    const open = [...account.receivables.values()].filter((each) => each.fundId === fundId);
    const posted = 0 - (totals.get(`fund:${fundId}:receivable`) ?? 0);
    must(posted === sum(open.map((each) => each.openPoints)), `receivables of ${fundId} are not what was posted`);
  }
  return faults;
}

it('any history of grants, holds, partial captures, expiry, extension, reversal and repayment is sound after every step', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), rule, (history, rules) => {
      let account = emptyAccount;
      let hour = 0;
      const totals = new Map<string, number>();
      const ledger = ledgerWithFunds();
      history.forEach((each, n) => {
        if (each.kind === 'wait') hour += each.hours;
        const event = decide(account, each, n, hour);
        if (!event) return;
        const decided = withConsequences(account, event, rules, atHour(hour));
        account = decided.account;
        post(totals, decided.events);
        ledger.take(decided.events, `request ${n}`);
        const faults = [...faultsOf(account, totals, rules)];
        // What a failed exchange gives back after its term is gone at once, or lasts for the grace.
        const released = decided.events.flatMap((one) => (one.type === 'HoldReleased' ? one.data.lots : []));
        for (const { lotId } of released) {
          const lot = [...account.lots].find((one) => one.lotId === lotId);
          if (lot && isPastExpiry(lot, atHour(hour)) && lot.availablePoints > 0)
            faults.push(`${lotId} outlives its term`);
        }
        if (faults.length > 0) throw new Error(faults.join('; '));
        for (const { type } of decided.events) seen.add(type);
      });
      expect(ledger.violations()).toEqual([]);
    }),
    { numRuns: 400 },
  );
  // The histories reach every event that an account can have, but for a refused grant.
  expect([...seen].sort()).toEqual([
    'GrantReversed',
    'HoldCaptured',
    'HoldRefused',
    'HoldReleased',
    'LotExtended',
    'PointsExpired',
    'PointsGranted',
    'PointsHeld',
    'ReceivableRecorded',
    'ReceivableRepaid',
    'ReceivableWrittenOff',
  ]);
});
