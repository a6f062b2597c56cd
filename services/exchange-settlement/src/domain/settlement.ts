import { ok, type Result, refuse, sumPoints } from '@tsunagu/kernel';

/** A closed period of one owner and provider, and its approval. Stream `settlement-<settlementId>`. */

/** One exchange as the owner pays for it. Everything the files say about it. */
export interface SettlementLine {
  readonly exchangeId: string;
  readonly requestedAt: string;
  readonly creditedAt: string;
  readonly confirmedAt: string;
  readonly providerReference: string;
  /** This owner's part. */
  readonly points: number;
  readonly providerPoints: number;
  readonly funds: readonly { readonly fundId: string; readonly points: number }[];
  /** Taken now though an earlier close had to carry it. */
  readonly carriedIn: boolean;
}

export interface CarriedItem {
  readonly exchangeId: string;
  readonly points: number;
}

export interface FileListing {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface LogPosition {
  readonly service: string;
  readonly log: number;
  readonly position: number;
}

export interface SettlementClose {
  readonly settlementId: string;
  readonly ownerId: string;
  readonly providerId: string;
  readonly providerName: string;
  /** Days in Japan, both included. */
  readonly from: string;
  readonly to: string;
  readonly transferDate: string;
  readonly closedBy: string;
  readonly closedAt: string;
  readonly templateVersion: number;
  /** Where the payee's and the payer's accounts lie in the vault, as they were. */
  readonly payee: { readonly reference: string; readonly version: number; readonly changedBy: string };
  readonly payer: { readonly reference: string };
  readonly exchangeCount: number;
  readonly points: number;
  readonly providerPoints: number;
  readonly amountYen: number;
  readonly carriedOver: { readonly count: number; readonly points: number };
  readonly carriedIn: { readonly count: number; readonly points: number };
  /** SHA-256 over the sorted lines. */
  readonly linesSha256: string;
  readonly logPositions: readonly LogPosition[];
  readonly files: readonly FileListing[];
}

export type SettlementEvent =
  /** The lines in order of confirmation, some hundred an event, in the same request as SettlementClosed. */
  | {
      readonly type: 'SettlementLinesListed';
      readonly data: {
        readonly settlementId: string;
        readonly ownerId: string;
        readonly lines: readonly SettlementLine[];
      };
    }
  | {
      readonly type: 'SettlementItemsCarried';
      readonly data: {
        readonly settlementId: string;
        readonly ownerId: string;
        readonly items: readonly CarriedItem[];
      };
    }
  | { readonly type: 'SettlementClosed'; readonly data: SettlementClose }
  | {
      readonly type: 'SettlementApproved';
      readonly data: { readonly settlementId: string; readonly approvedBy: string };
    };

export interface Settlement {
  readonly close?: SettlementClose;
  readonly lines: readonly SettlementLine[];
  readonly carried: readonly CarriedItem[];
  readonly state: 'open' | 'closed' | 'approved';
  readonly approvedBy?: string;
}

export const initialState: Settlement = { lines: [], carried: [], state: 'open' };

export function evolve(state: Settlement, event: SettlementEvent): Settlement {
  switch (event.type) {
    case 'SettlementLinesListed':
      return { ...state, lines: [...state.lines, ...event.data.lines] };
    case 'SettlementItemsCarried':
      return { ...state, carried: [...state.carried, ...event.data.items] };
    case 'SettlementClosed':
      return { ...state, close: event.data, state: 'closed' };
    case 'SettlementApproved':
      return { ...state, state: 'approved', approvedBy: event.data.approvedBy };
  }
}

export function fold(events: readonly SettlementEvent[]): Settlement {
  return events.reduce(evolve, initialState);
}

/** An approval again by the same person changes nothing. */
export function decideApproval(
  state: Settlement,
  approver: string,
  bankAccountChangedBy: readonly string[],
): Result<readonly SettlementEvent[], 'settlement.second_person_required' | 'request.not_found'> {
  if (!state.close) return refuse('request.not_found');
  if (approver === state.close.closedBy || bankAccountChangedBy.includes(approver))
    return refuse('settlement.second_person_required');
  if (state.state === 'approved') return ok([]);
  const { settlementId } = state.close;
  return ok([{ type: 'SettlementApproved', data: { settlementId, approvedBy: approver } }]);
}

/** The closed periods of one owner and provider, so that two closes at the same moment cannot overlap. Stream `settlementPeriods-<ownerId>+<providerId>`. */

export interface PeriodClosed {
  readonly type: 'PeriodClosed';
  readonly data: { readonly settlementId: string; readonly from: string; readonly to: string };
}

export function decidePeriod(
  closed: readonly PeriodClosed[],
  period: PeriodClosed['data'],
  today: string,
): Result<readonly PeriodClosed[], 'settlement.period_not_over' | 'settlement.overlaps'> {
  if (period.to >= today)
    return refuse('settlement.period_not_over', {
      detail: `In Japan it is ${today}; the period ends on ${period.to}.`,
    });
  const other = closed.find(({ data }) => data.from <= period.to && period.from <= data.to);
  if (other) return refuse('settlement.overlaps', { extensions: { settlementId: other.data.settlementId } });
  return ok([{ type: 'PeriodClosed', data: period }]);
}

export interface Totals {
  readonly exchangeCount: number;
  readonly points: number;
  readonly providerPoints: number;
  readonly amountYen: number;
  readonly carriedIn: { readonly count: number; readonly points: number };
}

/** 1 point = 1 yen. */
export function totalsOf(lines: readonly SettlementLine[]): Totals {
  const points = sumPoints(lines.map((line) => line.points));
  const carried = lines.filter((line) => line.carriedIn);
  return {
    exchangeCount: lines.length,
    points,
    providerPoints: sumPoints(lines.map((line) => line.providerPoints)),
    amountYen: points,
    carriedIn: { count: carried.length, points: sumPoints(carried.map((line) => line.points)) },
  };
}

export function settlementStream(settlementId: string): string {
  return `settlement-${settlementId}`;
}

export function periodsStream(ownerId: string, providerId: string): string {
  return `settlementPeriods-${ownerId}+${providerId}`;
}
