import { Inject, Injectable } from '@nestjs/common';
import type { EventLog } from '@tsunagu/event-store';
import { appendOne, domainEvents, expectedRevision, toNewEvent } from '@tsunagu/event-store';
import {
  addDays,
  type Clock,
  derivedId,
  isBankBusinessDay,
  isoTime,
  japanDay,
  japanDayOf,
  nextBankBusinessDay,
  type Result,
  refuse,
} from '@tsunagu/kernel';
import {
  CLOCK,
  CONFIG,
  DATABASE,
  EVENT_LOG,
  PARTS,
  PROJECTIONS,
  type ProjectionReader,
  type ServiceParts,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { demoPayer, type ExchangeConfig } from '../config.js';
import { contractOf } from '../domain/provider.js';
import {
  decidePeriod,
  type PeriodClosed,
  periodsStream,
  type SettlementClose,
  type SettlementEvent,
  settlementStream,
  totalsOf,
} from '../domain/settlement.js';
import { halfWidthKana } from '../files/kana.js';
import { linesSha256, listingOf, settlementFiles, templateVersion } from '../files/settlement-files.js';
import { type Payee, type Payer, totalYenMax } from '../files/zengin.js';
import { bankNames } from '../outbound/bank-directory.js';
import { BANK_VAULT, type BankVault } from '../outbound/bank-vault.js';
import { type Book, readBook } from './book.js';
import { readProvider } from './provider-contracts.js';

/** Lost races for one owner's periods before it counts as an outage. */
const roundsMax = 10;
/** Lines and carried items in one event. */
const listedMax = 500;
/** MMDD in the transfer file has no year, so the date must be near. */
const transferDaysMax = 92;
/** Open items named in a refusal. */
const namedMax = 100;
const bookWaitMs = 10_000;

export interface CloseOrder {
  readonly settlementId: string;
  readonly ownerId: string;
  readonly providerId: string;
  readonly from: string;
  readonly to: string;
  readonly transferDate?: string;
  readonly openItems: 'carry' | 'refuse';
  readonly actor: string;
  readonly correlationId: string;
}

/** Closes a period: what was captured is taken, what is open is carried, and all that the files need is recorded in one request. */
@Injectable()
export class Closing {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ExchangeConfig,
    @Inject(PARTS) private readonly parts: ServiceParts,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(BANK_VAULT) private readonly vault: BankVault,
  ) {}

  async close(order: CloseOrder): Promise<Result<'closed'>> {
    for (let round = 0; round < roundsMax; round += 1) {
      const { ownerId, providerId, from, to, settlementId } = order;
      const { provider } = await readProvider(this.log, providerId);
      const account = contractOf(provider, ownerId)?.bankAccount;
      if (!provider || !account) return refuse('settlement.provider_unknown');

      const guard = periodsStream(ownerId, providerId);
      const closed = domainEvents<PeriodClosed>((await this.log.readStreams([guard])).get(guard));
      const today = japanDayOf(this.clock.now());
      const period = decidePeriod(closed, { settlementId, from, to }, today);
      if (!period.ok) return period;
      const transferDate = this.#transferDate(order.transferDate, today);
      if (!transferDate.ok) return transferDate;

      // The book has everything up to the guard that was read, so the sums agree with the closes that the guard knows; a close in between
      // makes the append below conflict.
      const head = await this.log.head();
      if (!(await this.projections.waitFor('exchange_book', head, bookWaitMs))) return refuse('service.unavailable');
      const book = await readBook(this.database, order, head);
      if (order.openItems === 'refuse' && book.carried.length > 0) return openItems(book);
      const totals = totalsOf(book.lines);
      if (totals.amountYen > totalYenMax) return refuse('settlement.amount_too_large');
      const payer = this.#payer(ownerId);
      if (!payer) return refuse('settlement.payer_not_configured');

      const payerReference = derivedId('payer', settlementId);
      await this.vault.keep(payerReference, ownerId, payer);
      const payee = await this.vault.read<Payee>(account.reference, ownerId);
      const close: Omit<SettlementClose, 'files'> = {
        settlementId,
        ownerId,
        providerId,
        providerName: provider.name,
        from,
        to,
        transferDate: transferDate.value,
        closedBy: order.actor,
        closedAt: isoTime(this.clock.now()),
        templateVersion,
        payee: account,
        payer: { reference: payerReference },
        ...totals,
        carriedOver: book.carriedOver,
        linesSha256: linesSha256(book.lines),
        logPositions: book.logPositions,
      };
      const files = settlementFiles({ close, lines: book.lines, payer, payee }).map(listingOf);
      if (await this.#append(order, period.value, expectedRevision(closed), { ...close, files }, book)) {
        return { ok: true, value: 'closed' };
      }
    }
    throw new Error(`the periods of an owner were still contested after ${roundsMax} rounds`);
  }

  async #append(
    order: CloseOrder,
    period: readonly PeriodClosed[],
    guardRevision: ReturnType<typeof expectedRevision>,
    close: SettlementClose,
    book: Book,
  ): Promise<boolean> {
    const { settlementId, ownerId } = order;
    const listed: SettlementEvent[] = [
      ...chunks(book.lines).map(
        (lines): SettlementEvent => ({ type: 'SettlementLinesListed', data: { settlementId, ownerId, lines } }),
      ),
      ...chunks(book.carried).map(
        (items): SettlementEvent => ({ type: 'SettlementItemsCarried', data: { settlementId, ownerId, items } }),
      ),
      { type: 'SettlementClosed', data: close },
    ];
    const stamped = (events: readonly { type: string; data: unknown }[]) =>
      events.map((event, index) =>
        toNewEvent(event, {
          id: derivedId(`${event.type}:${index}`, settlementId),
          effectiveAt: close.closedAt,
          correlationId: order.correlationId,
          causationId: null,
          actor: order.actor,
          ownerId,
        }),
      );
    return appendOne(this.log, {
      writes: [
        { stream: settlementStream(settlementId), expectedRevision: 'noStream', events: stamped(listed) },
        {
          stream: periodsStream(ownerId, order.providerId),
          expectedRevision: guardRevision,
          events: stamped(period),
        },
      ],
    });
  }

  #transferDate(wished: string | undefined, today: string): Result<string> {
    const day = japanDay(today);
    if (wished === undefined) return { ok: true, value: nextBankBusinessDay(day) };
    const within = wished > today && wished <= addDays(day, transferDaysMax);
    if (!within || !isBankBusinessDay(japanDay(wished))) return refuse('settlement.transfer_date_invalid');
    return { ok: true, value: wished };
  }

  #payer(ownerId: string): Payer | undefined {
    const test = this.parts.profile === 'test' && ownerId === 'demo' ? demoPayer : undefined;
    const settings = this.config.payers[ownerId] ?? test;
    const names = settings && bankNames(settings.bankCode, settings.branchCode);
    const clientName = settings && halfWidthKana(settings.clientName);
    if (!settings || !names || typeof names === 'string' || clientName === undefined) return undefined;
    return { ...settings, ...names, clientName };
  }
}

function openItems(book: Book): Result<never> {
  const exchangeIds = book.carried.slice(0, namedMax).map((item) => item.exchangeId);
  return refuse('settlement.open_items', { extensions: { count: book.carried.length, exchangeIds } });
}

function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / listedMax) }, (_, index) =>
    items.slice(index * listedMax, (index + 1) * listedMax),
  );
}
