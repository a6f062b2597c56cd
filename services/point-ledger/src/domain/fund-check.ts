import { type CheckedEvent, type Violated, violation } from './checked-event.js';
import { evolveFund, type Fund } from './fund.js';
import { evolveLease, type Lease } from './lease.js';
import { type LedgerEvent, postingsOf } from './postings.js';

/** One fund by its own stream and its leases', beside what was granted from it. */
interface FundCount {
  fund: Fund | undefined;
  /** Rest of the leases that are not back on the fund's stream. */
  underLeases: number;
  drawn: number;
  granted: number;
}

export interface FundCheck {
  /** Every event of the log in order, from position 1; of several logs in an order that `leaseOrder` allows. */
  take(event: CheckedEvent): void;
  /** Judges the request that the last event belongs to. */
  end(): void;
  readonly funds: number;
}

/**
 * What crosses accounts, checked in the order of the log: I4, the funds' half of I3 (committed = undrawn + drawn, drawn =
 * granted) at the end of every request, and double entry. It keeps the funds and the leases that are out, nothing of an
 * account: that a grant is where its points went is `checkAccounts`' half.
 */
export function checkFunds(violated: Violated): FundCheck {
  const leases = new Map<string, Lease>();
  const funds = new Map<string, FundCount>();
  const touched = new Set<string>();
  let last: CheckedEvent | undefined;

  const countOf = (fundId: string): FundCount => {
    touched.add(fundId);
    const known = funds.get(fundId);
    if (known) return known;
    const fresh: FundCount = { fund: undefined, underLeases: 0, drawn: 0, granted: 0 };
    funds.set(fundId, fresh);
    return fresh;
  };

  function end() {
    if (!last) return;
    for (const fundId of touched)
      for (const [invariant, detail] of brokenIn(countOf(fundId)))
        violated(violation(invariant, last, `fund ${fundId}: ${detail}`));
    touched.clear();
  }

  function fold(event: CheckedEvent) {
    const known = event as unknown as LedgerEvent;
    switch (known.type) {
      case 'FundCommitted':
      case 'FundLowered':
      case 'FundLeased':
      case 'FundReturned': {
        const count = countOf(known.data.fundId);
        count.fund = evolveFund(count.fund, known);
        if (known.type === 'FundLeased') count.underLeases += known.data.points;
        if (known.type !== 'FundReturned') return;
        const { leaseId, points } = known.data;
        count.underLeases -= points;
        const lease = leases.get(leaseId);
        if (lease?.open !== false || lease.restPoints !== points)
          violated(violation('I3', event, `lease ${leaseId} came back with ${points} points`));
        leases.delete(leaseId);
        return;
      }
      case 'LeaseOpened':
      case 'FundDrawn':
      case 'LeaseClosed': {
        const { leaseId, fundId } = known.data;
        const leased = countOf(fundId).fund?.leases.get(leaseId);
        if (known.type === 'LeaseOpened' && leased?.points !== known.data.points) {
          const detail = `lease ${leaseId} opened with ${known.data.points} points that the fund did not lease`;
          violated(violation('I4', event, detail));
        }
        leases.set(leaseId, evolveLease(leases.get(leaseId), known));
        if (known.type !== 'FundDrawn') return;
        const count = countOf(fundId);
        count.underLeases -= known.data.points;
        count.drawn += known.data.points;
        return;
      }
      case 'PointsGranted':
        countOf(known.data.fundId).granted += known.data.amountPoints;
    }
  }

  return {
    take(event) {
      if (last && last.requestId !== event.requestId) end();
      last = event;
      try {
        for (const posting of postingsOf(event)) {
          if (!Number.isSafeInteger(posting.points) || posting.points < 0)
            violated(violation('double-entry', event, `a posting of ${posting.points} points`));
        }
        fold(event);
      } catch (error) {
        violated(violation('fold', event, error instanceof Error ? error.message : String(error)));
      }
    },
    end,
    get funds() {
      return funds.size;
    },
  };
}

function brokenIn({ fund, underLeases, drawn, granted }: FundCount): readonly (readonly ['I3' | 'I4', string])[] {
  const broken: (readonly ['I3' | 'I4', string])[] = [];
  const committed = fund?.committedPoints ?? 0;
  const undrawn = (fund?.unleasedPoints ?? 0) + underLeases;
  if (granted > committed) broken.push(['I4', `granted ${granted} of ${committed} committed`]);
  if (committed !== undrawn + drawn || drawn !== granted)
    broken.push(['I3', `committed ${committed}, undrawn ${undrawn}, drawn ${drawn}, granted ${granted}`]);
  return broken;
}
