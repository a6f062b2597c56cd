import { type Account, accountStream, emptyAccount, evolveAccount, type Lot } from './account.js';
import { evolveFund, type Fund } from './fund.js';
import { evolveLease, type Lease } from './lease.js';
import { type LedgerEvent, postingsOf } from './postings.js';

/** An invariant that the log breaks, and the event at which it broke. */
export interface Violation {
  readonly invariant: 'I1' | 'I3' | 'I4' | 'I5' | 'fold' | 'double-entry';
  readonly eventId: string;
  readonly position: number;
  readonly detail: string;
}

export interface CheckedEvent {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly position: number;
  readonly requestId: string;
  readonly data: unknown;
}

/** Totals of one fund, counted two ways: from its own and its leases' streams, and from the lots on accounts. */
interface FundCount {
  fund: Fund | undefined;
  /** Rest of the leases that are not back on the fund's stream. */
  underLeases: number;
  drawn: number;
  granted: number;
  available: number;
  held: number;
  exchanged: number;
}

export interface LedgerCheck {
  /** Every event of the log in order, from position 1. */
  take(event: CheckedEvent): void;
  /** What is broken so far; also closes the request that the last event belongs to. */
  violations(): readonly Violation[];
  readonly counts: { readonly events: number; readonly accounts: number; readonly funds: number };
}

/** Accounts by stream, as they stand at a place in the log. */
export interface KnownAccounts {
  get(stream: string): Account | undefined;
  set(stream: string, account: Account): unknown;
}

/**
 * Checks I1, I3, I4, I5 and double entry over the ledger's log, one event at a time; I3 at the end of every request.
 * It keeps one small state for each account, lease and fund, and uses no code of the pipelines that wrote the events.
 * `accounts` by stream may be given, to hold those that come up only: it must know an account before its next event is taken.
 */
export function checkLedger(accounts: KnownAccounts = new Map<string, Account>()): LedgerCheck {
  const leases = new Map<string, Lease>();
  const funds = new Map<string, FundCount>();
  const found: Violation[] = [];
  const touched = new Set<string>();
  let last: CheckedEvent | undefined;
  let events = 0;
  let accountCount = 0;

  const violate = (invariant: Violation['invariant'], at: CheckedEvent, detail: string) =>
    found.push({ invariant, eventId: at.id, position: at.position, detail });

  const countOf = (fundId: string): FundCount => {
    touched.add(fundId);
    const known = funds.get(fundId);
    if (known) return known;
    const fresh = { fund: undefined, underLeases: 0, drawn: 0, granted: 0, available: 0, held: 0, exchanged: 0 };
    funds.set(fundId, fresh);
    return fresh;
  };

  function endRequest() {
    if (!last) return;
    for (const fundId of touched) for (const broken of brokenIn(fundId, countOf(fundId))) violate(...broken(last));
    touched.clear();
  }

  function fold(event: CheckedEvent) {
    const known = event as unknown as LedgerEvent;
    switch (known.type) {
      case 'FundCommitted':
      case 'FundLeased':
      case 'FundReturned': {
        const count = countOf(known.data.fundId);
        count.fund = evolveFund(count.fund, known);
        if (known.type === 'FundLeased') count.underLeases += known.data.points;
        if (known.type === 'FundReturned') {
          count.underLeases -= known.data.points;
          const lease = leases.get(known.data.leaseId);
          if (lease?.open !== false || lease.restPoints !== known.data.points) {
            violate('I3', event, `lease ${known.data.leaseId} came back with ${known.data.points} points`);
          }
          leases.delete(known.data.leaseId);
        }
        return;
      }
      case 'LeaseOpened':
      case 'FundDrawn':
      case 'LeaseClosed': {
        const { leaseId, fundId } = known.data;
        const leased = countOf(fundId).fund?.leases.get(leaseId);
        if (known.type === 'LeaseOpened' && leased?.points !== known.data.points) {
          violate('I4', event, `lease ${leaseId} opened with ${known.data.points} points that the fund did not lease`);
        }
        leases.set(leaseId, evolveLease(leases.get(leaseId), known));
        if (known.type === 'FundDrawn') {
          const count = countOf(fundId);
          count.underLeases -= known.data.points;
          count.drawn += known.data.points;
        }
        return;
      }
      case 'PointsGranted': {
        const { measureId, personId, claimId, fundId, amountPoints } = known.data;
        const first = accounts.get(event.stream)?.measures.get(measureId);
        if (first !== undefined)
          violate('I1', event, `measure and person were granted already, for claim ${first} (claim ${claimId})`);
        // A person's grants stand on one account: so the account knows every measure that the person was granted.
        if (event.stream !== accountStream(personId)) violate('I1', event, `a grant to ${personId} on ${event.stream}`);
        countOf(fundId).granted += amountPoints;
        break;
      }
      case 'HoldCaptured':
        for (const lot of known.data.lots) countOf(lot.fundId).exchanged += lot.points;
        break;
    }
    const recorded = accounts.get(event.stream);
    if (!recorded) accountCount += 1;
    const before = recorded ?? emptyAccount;
    const after = evolveAccount(before, known);
    accounts.set(event.stream, after);
    countLots(before.lots, -1);
    countLots(after.lots, 1);
    for (const lot of after.lots) {
      if (lot.availablePoints < 0 || lot.heldPoints < 0) violate('I5', event, `lot ${lot.lotId} is below zero`);
    }
  }

  function countLots(lots: readonly Lot[], sign: 1 | -1) {
    for (const lot of lots) {
      const count = countOf(lot.fundId);
      count.available += sign * lot.availablePoints;
      count.held += sign * lot.heldPoints;
    }
  }

  return {
    take(event) {
      if (last && last.requestId !== event.requestId) endRequest();
      last = event;
      events += 1;
      for (const posting of postingsOf(event)) {
        if (!Number.isSafeInteger(posting.points) || posting.points < 0) {
          violate('double-entry', event, `a posting of ${posting.points} points`);
        }
      }
      try {
        fold(event);
      } catch (error) {
        violate('fold', event, error instanceof Error ? error.message : String(error));
      }
    },
    violations() {
      endRequest();
      return found;
    },
    get counts() {
      return { events, accounts: accountCount, funds: funds.size };
    },
  };
}

function brokenIn(fundId: string, count: FundCount): ((at: CheckedEvent) => ['I3' | 'I4', CheckedEvent, string])[] {
  const broken: ReturnType<typeof brokenIn> = [];
  const committed = count.fund?.committedPoints ?? 0;
  const undrawn = (count.fund?.unleasedPoints ?? 0) + count.underLeases;
  if (count.granted > committed) {
    broken.push((at) => ['I4', at, `fund ${fundId}: granted ${count.granted} of ${committed} committed`]);
  }
  if (committed !== undrawn + count.drawn || count.drawn !== count.granted) {
    const detail = `committed ${committed}, undrawn ${undrawn}, drawn ${count.drawn}, granted ${count.granted}`;
    broken.push((at) => ['I3', at, `fund ${fundId}: ${detail}`]);
  }
  if (count.granted !== count.available + count.held + count.exchanged) {
    const detail = `granted ${count.granted}, available ${count.available}, held ${count.held}, exchanged ${count.exchanged}`;
    broken.push((at) => ['I3', at, `fund ${fundId}: ${detail}`]);
  }
  return broken;
}
