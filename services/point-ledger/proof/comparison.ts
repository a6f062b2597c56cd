import assert from 'node:assert/strict';
import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { accountStream, foldAccount } from '../src/domain/account.js';
import { type FundCommitted, foldFund, fundStream } from '../src/domain/fund.js';
import { foldLease, leaseStream } from '../src/domain/lease.js';
import { checkLedger } from '../src/domain/ledger-check.js';
import type { Contradiction } from '../src/workflows/holds.js';
import type { Answer, Message, ReferenceLedger } from './reference-ledger.js';

type Recorded = RecordedEvent<string, Record<string, unknown>>;

/** Asks the reference, for every answer that the log holds, whether it would have answered the same, and compares what all that adds up to. */
export class Comparison {
  private readonly invariants = checkLedger();
  /** The least that was left of a fund since the step began; nothing for a fund that was not there then. */
  private readonly leastLeft = new Map<string, number>();
  private readonly touched = new Set<string>();

  constructor(
    private readonly log: EventLog,
    private readonly reference: ReferenceLedger,
    private readonly messages: readonly Message[],
    private position: number,
  ) {}

  /** Takes in what the step recorded, in the order of the log. */
  async advance(nowMs: number): Promise<void> {
    this.leastLeft.clear();
    for (const [fundId, { left }] of this.reference.funds) this.leastLeft.set(fundId, left);
    const { events, through } = await this.log.readLog({ after: this.position, limit: 1_000_000 });
    this.position = through;
    for (const event of events) this.invariants.take(event);
    assert.deepEqual(this.invariants.violations(), [], 'an invariant is broken');
    for (const event of events) this.take(event as Recorded, nowMs);
    assert.deepEqual(this.reference.consequences, [], 'what follows by rule is recorded at once');
  }

  /** What was delivered and acknowledged has its answer. */
  answered(delivered: readonly Message[], contradictions: readonly Contradiction[], nowMs: number): void {
    for (const message of delivered) {
      const { claims, exchanges } = this.reference;
      if (message.kind === 'claim') {
        const decision = claims.get(message.order.claimId);
        assert(decision && (decision.granted || decision.attempt >= message.order.attempt), 'a claim was forgotten');
      } else if (message.kind === 'request') {
        assert(exchanges.has(message.request.exchangeId), 'a hold was forgotten');
      } else if (message.kind === 'reversal') {
        for (const { lotId } of message.lots)
          assert(this.reference.lots.get(lotId)?.reversed, 'a reversal was forgotten');
      } else if (message.kind === 'extension') {
        for (const { lotId } of message.lots)
          assert.equal(this.reference.take(message, lotId, nowMs), undefined, 'an extension was forgotten');
      } else {
        const { exchangeId, outcome } = message.end;
        const wanted = outcome === 'confirmed' ? ['captured'] : ['released', 'refused'];
        const isDone = wanted.includes(exchanges.get(exchangeId)?.state ?? 'none');
        const isRefused = contradictions.some(({ act }) => act.cause.id === message.id);
        assert(isDone || isRefused, `exchange ${exchangeId} was ${outcome}, and nothing came of it`);
      }
    }
  }

  /** The accounts and funds that the step touched stand as the reference has them. */
  async balances(): Promise<void> {
    const streams = await this.log.readStreams([...this.touched]);
    const leases = [...streams].flatMap(([stream, events]) =>
      stream.startsWith(fundStream('')) ? [...(foldFund(events)?.leases.values() ?? [])].map(leaseStream) : [],
    );
    const leaseEvents = await this.log.readStreams(leases);
    for (const [stream, events] of streams) {
      if (stream.startsWith(fundStream(''))) this.compareFund(stream, events, leaseEvents);
      else this.compareAccount(stream, events);
    }
    this.touched.clear();
  }

  /** At the end: all accounts and funds, and no lease is out. */
  async everything(): Promise<void> {
    for (const [fundId, { left }] of this.reference.funds) {
      const stream = fundStream(fundId);
      const fund = foldFund((await this.log.readStreams([stream])).get(stream) ?? []);
      assert.deepEqual([fund?.unleasedPoints, fund?.leases.size], [left, 0], 'what came back to the fund');
    }
    for (const { personId } of this.reference.lots.values()) this.touched.add(accountStream(personId));
    await this.balances();
  }

  private take(event: Recorded, nowMs: number): void {
    if (event.type === 'FundCommitted') {
      const { fundId, ownerId, dryRun, amountPoints } = event.data as unknown as FundCommitted;
      this.reference.commit(fundId, ownerId, dryRun, amountPoints);
      this.touched.add(event.stream);
      return;
    }
    if (!event.stream.startsWith(accountStream(''))) return;
    this.touched.add(event.stream);
    if (event.type === 'PointsExpired' && event.causationId === null) {
      assert.deepEqual(
        answerIn(event),
        this.reference.expireByJob(String(event.data.lotId), nowMs),
        'what the job lets expire',
      );
      assert.equal(event.effectiveAt, this.reference.gone(String(event.data.lotId)), 'points expire with their term');
      return;
    }
    assert.equal(event.effectiveAt, isoTime(nowMs), `${event.type} counts from now`);
    const message = this.messages.find(({ id }) => id === event.causationId);
    assert(message, `${event.type} answers nothing that was sent`);
    const consequence = this.reference.consequences.shift();
    if (consequence) {
      assert.deepEqual(answerIn(event), consequence, `what follows by rule at ${event.position}`);
      return;
    }
    const fundId = message.kind === 'claim' ? message.order.fundId : undefined;
    if (fundId !== undefined) this.touched.add(fundStream(fundId));
    const subject = String(event.data.lotId ?? event.id);
    const answer = this.asOfTheLook(event, message) ?? this.reference.take(message, subject, nowMs);
    assert.deepEqual(
      answerIn(event),
      answer,
      `${event.type} at ${event.position}: recorded, and what the reference answers`,
    );
    this.noteLeast(fundId);
  }

  /**
   * A refusal for the fund's sake is recorded after the look at the fund: it stands though the fund was committed or
   * raised in between, in this very step. Then the reference decides as of that look.
   */
  private asOfTheLook(event: Recorded, message: Message): Answer | undefined {
    if (message.kind !== 'claim') return undefined;
    const { fundId, amountPoints } = message.order;
    const { funds } = this.reference;
    const fund = funds.get(fundId);
    if (!fund) return undefined;
    const then = this.leastLeft.get(fundId);
    const { reasonCode } = event.data;
    if (reasonCode === 'fund_unknown' && then === undefined) funds.delete(fundId);
    else if (reasonCode === 'fund_exhausted' && (then ?? 0) < amountPoints)
      funds.set(fundId, { ...fund, left: then ?? 0 });
    else return undefined;
    const answer = this.reference.take(message, event.id, 0);
    funds.set(fundId, fund);
    return answer;
  }

  private noteLeast(fundId: string | undefined): void {
    const before = fundId === undefined ? undefined : this.leastLeft.get(fundId);
    const left = fundId === undefined ? undefined : this.reference.funds.get(fundId)?.left;
    if (fundId !== undefined && before !== undefined && left !== undefined)
      this.leastLeft.set(fundId, Math.min(before, left));
  }

  private compareAccount(stream: string, events: readonly RecordedEvent[]): void {
    const personId = stream.slice(accountStream('').length);
    const account = foldAccount(events);
    const real = [...account.lots].map((lot) => [lot.lotId, lot.availablePoints, lot.heldPoints, lot.expiresAt]);
    const wanted = this.reference.lotsOf(personId).map(([id, lot]) => [id, lot.available, lot.held, lot.expiresAt]);
    assert.deepEqual(real, wanted, `the lots of ${stream}: recorded, and the reference's`);
    const owed = [...account.receivables.values()].map(({ lotId, openPoints }) => [lotId, openPoints]);
    const debts = this.reference.debts.filter((debt) => debt.personId === personId);
    assert.deepEqual(
      owed,
      debts.map(({ lotId, open }) => [lotId, open]),
      `what ${stream} owes, and the reference's`,
    );
  }

  private compareFund(
    stream: string,
    events: readonly RecordedEvent[],
    leases: ReadonlyMap<string, readonly RecordedEvent[]>,
  ): void {
    const fund = foldFund(events);
    const reference = this.reference.funds.get(stream.slice(fundStream('').length));
    let undrawn = fund?.unleasedPoints;
    for (const lease of fund?.leases.values() ?? []) {
      undrawn = (undrawn ?? 0) + (foldLease(leases.get(leaseStream(lease)) ?? [])?.restPoints ?? lease.points);
    }
    const wanted = [reference?.committed, reference?.left];
    assert.deepEqual([fund?.committedPoints, undrawn], wanted, `${stream}: committed and left, and the reference's`);
  }
}

function answerIn({ type, data, id }: Recorded): Answer {
  if (type === 'PointsGranted') {
    assert.equal(data.lotId, id, 'a lot is named by the event that made it');
    return { type, parts: [[id, Number(data.amountPoints)]] };
  }
  if (type === 'GrantRefused' || type === 'HoldRefused') return { type, reasonCode: String(data.reasonCode) };
  const { lotId, points } = data as { lotId: string; points: number };
  if (type === 'PointsExpired' || type === 'ReceivableRecorded') return { type, parts: [[lotId, points]] };
  if (type === 'GrantReversed') return { type, parts: [[lotId, points]], owed: Number(data.receivablePoints) };
  if (type === 'LotExtended') return { type, parts: [[lotId, 0]], expiresAt: String(data.expiresAt) };
  if (type === 'ReceivableRepaid')
    return {
      type,
      parts: [
        [lotId, points],
        [String(data.payingLotId), points],
      ],
    };
  const lots = data.lots as readonly { lotId: string; points: number }[];
  return { type, parts: lots.map(({ lotId, points }) => [lotId, points] as const) };
}
