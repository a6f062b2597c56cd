import {
  type Account,
  type AccountEvent,
  accountStream,
  emptyAccount,
  evolveAccount,
  isAccountEvent,
} from './account.js';
import { type CheckedEvent, type Violated, violation } from './checked-event.js';
import type { Lot } from './lot.js';

/** Points of one fund on one account: as the events say, and as the fold of the account has them. */
interface FundOnAccount {
  granted: number;
  exchanged: number;
  expired: number;
  reversed: number;
  /** Taken from lots of this fund for what was owed to any fund. */
  repaid: number;
  /** Owed to this fund: recorded less repaid and written off. */
  receivable: number;
  /** Of the fold: what lies in lots of this fund, and what is open of what is owed to it. */
  available: number;
  held: number;
  open: number;
}

interface Checked {
  account: Account;
  readonly funds: Map<string, FundOnAccount>;
}

export interface AccountCheck {
  /** Events in the order of their log; of any set of accounts, each of them wholly. */
  take(event: CheckedEvent): void;
  /** Judges the request that the last event belongs to. */
  end(): void;
  /** As its events so far make it. */
  account(stream: string): Account;
  readonly accounts: number;
}

/**
 * The accounts' half of I3, for each account and fund at the end of every request: granted = available + held + exchanged +
 * expired + reversed + repaid, and receivables recorded = repaid + written off + open. Summed over the accounts that is each
 * fund's. I5 and what does not fold at the event itself. One small state for each account, so a part of the accounts can be
 * checked at a time; it uses no code of the pipelines that wrote the events.
 */
export function checkAccounts(violated: Violated): AccountCheck {
  const accounts = new Map<string, Checked>();
  const touched = new Map<string, Checked>();
  let last: CheckedEvent | undefined;

  function end() {
    if (!last) return;
    for (const [stream, { funds }] of touched) {
      for (const [fundId, fund] of funds)
        for (const detail of brokenIn(fund)) violated(violation('I3', last, `fund ${fundId} on ${stream}: ${detail}`));
    }
    touched.clear();
  }

  function checkedOf(stream: string): Checked {
    let checked = accounts.get(stream);
    if (!checked) {
      checked = { account: emptyAccount, funds: new Map() };
      accounts.set(stream, checked);
    }
    touched.set(stream, checked);
    return checked;
  }

  function fold(checked: Checked, event: CheckedEvent & AccountEvent) {
    if (event.stream !== accountStream(event.data.personId))
      violated(violation('fold', event, `${event.type} names another person than the account that it lies on`));
    count(checked.funds, event);
    const before = checked.account;
    const after = evolveAccount(before, event);
    checked.account = after;
    // A lot that did not change is the same object, at the same place: lots only join at the end.
    for (const [index, lot] of [...after.lots].entries()) {
      const was = before.lots.at(index);
      if (lot === was) continue;
      if (was) countLot(checked.funds, was, -1);
      countLot(checked.funds, lot, 1);
      if (lot.availablePoints < 0 || lot.heldPoints < 0)
        violated(violation('I5', event, `lot ${lot.lotId} is below zero`));
      if (lot.amountPoints !== totalOf(lot))
        violated(violation('I5', event, `lot ${lot.lotId} is not the sum of its parts`));
    }
    if (after.receivables === before.receivables) return;
    for (const { fundId, openPoints } of before.receivables.values()) fundOf(checked.funds, fundId).open -= openPoints;
    for (const { fundId, openPoints } of after.receivables.values()) fundOf(checked.funds, fundId).open += openPoints;
  }

  return {
    take(event) {
      if (last && last.requestId !== event.requestId) end();
      last = event;
      if (!isAccountEvent(event)) return;
      try {
        fold(checkedOf(event.stream), event);
      } catch (error) {
        violated(violation('fold', event, error instanceof Error ? error.message : String(error)));
      }
    },
    end,
    account: (stream) => accounts.get(stream)?.account ?? emptyAccount,
    get accounts() {
      return accounts.size;
    },
  };
}

/** I1 by what the grants say, whatever account they lie on: one for each measure and person, of the grants that it is given. */
export function checkOneGrant(violated: Violated): { take(event: CheckedEvent): void } {
  const grants = new Map<string, string>();
  return {
    take(event) {
      if (!isAccountEvent(event) || event.type !== 'PointsGranted') return;
      const { measureId, personId, claimId } = event.data;
      const once = `${measureId}+${personId}`;
      const first = grants.get(once);
      if (first === undefined) grants.set(once, event.id);
      else {
        const detail = `measure and person were granted already, by event ${first} (claim ${claimId})`;
        violated(violation('I1', event, detail));
      }
    },
  };
}

/** What an event says of points that come, go and are owed. */
function count(funds: Map<string, FundOnAccount>, { type, data }: AccountEvent): void {
  switch (type) {
    case 'PointsGranted':
      fundOf(funds, data.fundId).granted += data.amountPoints;
      return;
    case 'HoldCaptured':
      for (const lot of data.lots) fundOf(funds, lot.fundId).exchanged += lot.points;
      return;
    case 'PointsExpired':
      fundOf(funds, data.fundId).expired += data.points;
      return;
    case 'GrantReversed':
      fundOf(funds, data.fundId).reversed += data.points;
      return;
    case 'ReceivableRecorded':
      fundOf(funds, data.fundId).receivable += data.points;
      return;
    case 'ReceivableRepaid':
      fundOf(funds, data.payingFundId).repaid += data.points;
      fundOf(funds, data.fundId).receivable -= data.points;
      return;
    case 'ReceivableWrittenOff':
      fundOf(funds, data.fundId).receivable -= data.points;
  }
}

function fundOf(funds: Map<string, FundOnAccount>, fundId: string): FundOnAccount {
  const known = funds.get(fundId);
  if (known) return known;
  const nothing = { exchanged: 0, expired: 0, reversed: 0, repaid: 0, receivable: 0, available: 0, held: 0, open: 0 };
  const fresh = { granted: 0, ...nothing };
  funds.set(fundId, fresh);
  return fresh;
}

function countLot(funds: Map<string, FundOnAccount>, lot: Lot, sign: 1 | -1): void {
  const fund = fundOf(funds, lot.fundId);
  fund.available += sign * lot.availablePoints;
  fund.held += sign * lot.heldPoints;
}

function brokenIn(fund: FundOnAccount): readonly string[] {
  const { granted, available, held, exchanged, expired, reversed, repaid, receivable, open } = fund;
  const broken: string[] = [];
  if (granted !== available + held + exchanged + expired + reversed + repaid) {
    const gone = `exchanged ${exchanged}, expired ${expired}, reversed ${reversed}, repaid ${repaid}`;
    broken.push(`granted ${granted}, available ${available}, held ${held}, ${gone}`);
  }
  if (receivable !== open) broken.push(`receivables come to ${receivable} and ${open} are open`);
  return broken;
}

function totalOf(lot: Lot): number {
  const { availablePoints, heldPoints, exchangedPoints, expiredPoints, reversedPoints, repaidPoints } = lot;
  return availablePoints + heldPoints + exchangedPoints + expiredPoints + reversedPoints + repaidPoints;
}
