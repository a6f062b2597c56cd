import type { RecordedEvent } from '@tsunagu/event-store';
import { type Exchange, type ExchangeEvent, fold, type Status, shownState } from '../domain/exchange.js';
import { type Provider, providerPointsOf } from '../domain/provider.js';

/** An exchange as its person sees it. */
export interface ExchangeView {
  readonly exchangeId: string;
  readonly state: ReturnType<typeof shownState>;
  readonly reasonCode?: string;
  readonly linkId: string;
  readonly providerId: string;
  readonly points: number;
  /** Until the points are held: at the lowest rate that may apply. */
  readonly providerPoints: number;
  readonly providerReference?: string;
  readonly acceptedAt: string;
  readonly endedAt?: string;
}

export interface FoundExchange {
  readonly exchange: Exchange;
  readonly view: ExchangeView;
}

export function exchangeView(
  recorded: readonly (RecordedEvent & ExchangeEvent)[],
  provider: Provider | undefined,
): FoundExchange | undefined {
  const exchange = fold(recorded);
  const first = recorded[0];
  if (!exchange || !first) return undefined;
  const { exchangeId, linkId, providerId, points } = exchange.request;
  const end = recorded.find((event) => endTypes.includes(event.type));
  return {
    exchange,
    view: {
      exchangeId,
      state: shownState(exchange.status),
      ...(exchange.reasonCode !== undefined && { reasonCode: exchange.reasonCode }),
      linkId,
      providerId,
      points,
      providerPoints: exchange.providerPoints ?? lowestQuote(points, provider),
      ...(exchange.providerReference !== undefined && { providerReference: exchange.providerReference }),
      acceptedAt: first.effectiveAt,
      ...(end && { endedAt: end.effectiveAt }),
    },
  };
}

const endTypes: readonly string[] = ['ExchangeCaptured', 'ExchangeRejected', 'ExchangeCancelled'];

/** A row of the read model. Its list query quotes as `lowestQuote` does. */
export interface ExchangeRow {
  readonly exchange_id: string;
  readonly status: Status;
  readonly reason_code: string | null;
  readonly link_id: string;
  readonly provider_id: string;
  readonly points: number;
  readonly provider_points: number;
  readonly provider_reference: string | null;
  readonly accepted_at: Date;
  readonly ended_at: Date | null;
}

export function rowView(row: ExchangeRow): ExchangeView {
  return {
    exchangeId: row.exchange_id,
    state: shownState(row.status),
    ...(row.reason_code !== null && { reasonCode: row.reason_code }),
    linkId: row.link_id,
    providerId: row.provider_id,
    points: row.points,
    providerPoints: row.provider_points,
    ...(row.provider_reference !== null && { providerReference: row.provider_reference }),
    acceptedAt: row.accepted_at.toISOString(),
    ...(row.ended_at && { endedAt: row.ended_at.toISOString() }),
  };
}

function lowestQuote(points: number, provider: Provider | undefined): number {
  const quotes = (provider?.contracts ?? []).map((contract) => providerPointsOf(points, contract));
  return quotes.length === 0 ? 0 : Math.min(...quotes);
}
