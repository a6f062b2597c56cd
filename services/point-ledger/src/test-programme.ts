import type { RecordedEvent } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import fc from 'fast-check';

/** For property specs of statements: random programmes of ledger events, some of them effective long before they are recorded. */

export const owners = ['city', 'ward'] as const;

const startMs = Date.parse('2027-03-30T12:00:00.000Z');
const hourMs = 3_600_000;

interface Step {
  readonly kind: number;
  readonly pick: number;
  readonly points: number;
  readonly pauseMs: number;
  readonly toTheHour: boolean;
  readonly lateMs: number;
}

interface Lot {
  readonly lotId: string;
  readonly personId: string;
  readonly fundId: string;
  readonly ownerId: string;
  readonly dryRun: boolean;
  available: number;
  held: number;
}

/** Programmes of up to so many steps over about a week, around the end of a fiscal year. */
export function programmes(stepsMax: number): fc.Arbitrary<readonly RecordedEvent[]> {
  const step = fc.record({
    kind: fc.nat(99),
    pick: fc.nat(9_999),
    points: fc.integer({ min: 1, max: 500 }),
    // Often the same moment, sometimes on the edge of an hour or a day, sometimes a day later.
    pauseMs: fc.oneof(fc.constant(0), fc.nat(90 * 60_000), fc.nat(26 * hourMs)),
    toTheHour: fc.boolean(),
    lateMs: fc.oneof(fc.constant(0), fc.constant(0), fc.constant(hourMs), fc.nat(72 * hourMs)),
  });
  return fc.array(step, { minLength: 1, maxLength: stepsMax }).map((steps) => new Programme().run(steps));
}

/** Instants at which a programme of the kind above may be cut: its own times, edges of hours and days, anything between. */
export const instants: fc.Arbitrary<number> = fc.oneof(
  fc.nat(12 * 24).map((hours) => startMs - 4 * 24 * hourMs + hours * hourMs),
  fc.nat(48).map((hours) => startMs - hourMs + hours * hourMs + 1),
  fc.nat(12 * 24 * hourMs).map((ms) => startMs - 4 * 24 * hourMs + ms),
  fc.constant(Number.POSITIVE_INFINITY),
);

class Programme {
  private readonly events: RecordedEvent[] = [];
  private readonly funds: { fundId: string; ownerId: string; dryRun: boolean; undrawn: number }[] = [];
  private readonly lots: Lot[] = [];
  private readonly holds: { exchangeId: string; lot: Lot; points: number }[] = [];
  private readonly receivables: { receivableId: string; lot: Lot; open: number }[] = [];
  private ids = 0;
  private nowMs = startMs;

  run(steps: readonly Step[]): readonly RecordedEvent[] {
    this.commit({ kind: 0, pick: 0, points: 500, pauseMs: 0, toTheHour: true, lateMs: 0 });
    for (const step of steps) {
      this.nowMs += step.pauseMs;
      if (step.toTheHour) this.nowMs = Math.ceil(this.nowMs / hourMs) * hourMs;
      this.take(step);
    }
    return this.events;
  }

  /** Of a hundred kinds, those below each number: most steps move points, few concern the funds. */
  private take(step: Step): void {
    const shares: readonly (readonly [below: number, take: (step: Step) => void])[] = [
      [8, (each) => this.commit(each)],
      [12, (each) => this.lower(each)],
      [16, (each) => this.lease(each)],
      [45, (each) => this.grant(each)],
      [60, (each) => this.hold(each)],
      [75, (each) => this.endHold(each)],
      [82, (each) => this.expire(each)],
      [90, (each) => this.reverse(each)],
      [97, (each) => this.settleReceivable(each)],
      [100, (each) => this.extend(each)],
    ];
    shares.find(([below]) => step.kind < below)?.[1](step);
  }

  private commit(step: Step): void {
    const known = step.pick % 3 === 0 ? undefined : pickOf(this.funds, step);
    const fund = known ?? {
      fundId: this.id(),
      ownerId: owners[step.pick % 2] as string,
      dryRun: step.pick % 7 === 1,
      undrawn: 0,
    };
    if (!known) this.funds.push(fund);
    const amountPoints = step.points * 20;
    fund.undrawn += amountPoints;
    const { fundId, ownerId, dryRun } = fund;
    const terms = { name: '原資', fiscalYear: 2026 + (step.pick % 2), budgetCode: null, dryRun, amountPoints };
    this.record(step, 'FundCommitted', fund.ownerId, { fundId, ownerId, ...terms });
  }

  private lower(step: Step): void {
    const fund = pickOf(this.funds, step);
    const points = Math.min(step.points, fund?.undrawn ?? 0);
    if (!fund || points === 0) return;
    fund.undrawn -= points;
    const reason = ['lowered', 'returned', 'carried_over'][step.pick % 3];
    const { fundId, ownerId, dryRun } = fund;
    this.record(step, 'FundLowered', ownerId, { fundId, ownerId, dryRun, points, reason, toFundId: null });
  }

  private lease(step: Step): void {
    const fund = pickOf(this.funds, step);
    if (!fund) return;
    const type = step.pick % 2 === 0 ? 'FundLeased' : 'FundReturned';
    const data = { fundId: fund.fundId, leaseId: this.id(), slot: 1, points: step.points };
    this.record(step, type, fund.ownerId, data);
  }

  private grant(step: Step): void {
    const fund = pickOf(this.funds, step);
    if (!fund || fund.undrawn < step.points) return;
    fund.undrawn -= step.points;
    const { fundId, ownerId, dryRun } = fund;
    const personId = uuid(1_000_000 + (step.pick % 4));
    const lot = { lotId: this.id(), personId, fundId, ownerId, dryRun, available: step.points, held: 0 };
    this.lots.push(lot);
    const ids = { claimId: this.id(), campaignId: uuid(1), measureId: this.id() };
    const expiresAt = step.pick % 5 === 0 ? null : isoTime(this.nowMs + (step.pick % 400) * hourMs);
    this.record(step, 'PointsGranted', ownerId, {
      ...ids,
      personId,
      lotId: lot.lotId,
      fundId,
      ownerId,
      amountPoints: step.points,
      attempt: 1,
      grantedAt: isoTime(this.nowMs),
      expiresAt,
      dryRun,
      legalClass: 'free',
      usableFrom: null,
      batchId: null,
    });
  }

  private hold(step: Step): void {
    const lot = pickOf(
      this.lots.filter(({ available, dryRun }) => available > 0 && !dryRun),
      step,
    );
    if (!lot) return;
    const points = Math.min(step.points, lot.available);
    lot.available -= points;
    lot.held += points;
    const hold = { exchangeId: this.id(), lot, points };
    this.holds.push(hold);
    const more = { providerId: 'sim-pay', askOwnerAt: isoTime(this.nowMs) };
    this.record(step, 'PointsHeld', null, { ...holdData(hold), ...more });
  }

  private endHold(step: Step): void {
    const hold = pickOf(this.holds, step);
    if (!hold) return;
    this.holds.splice(this.holds.indexOf(hold), 1);
    hold.lot.held -= hold.points;
    if (step.kind % 3 === 0) {
      hold.lot.available += hold.points;
      this.record(step, 'HoldReleased', null, { ...holdData(hold), reasonCode: 'rejected' });
    } else {
      const providerId = ['sim-pay', 'other-pay'][step.pick % 2];
      this.record(step, 'HoldCaptured', null, { ...holdData(hold), providerId });
    }
  }

  private expire(step: Step): void {
    const lot = pickOf(
      this.lots.filter(({ available }) => available > 0),
      step,
    );
    if (!lot) return;
    const points = lot.available;
    lot.available = 0;
    this.record(step, 'PointsExpired', lot.ownerId, { ...lotData(lot), points, expiresAt: isoTime(this.nowMs) });
  }

  private reverse(step: Step): void {
    const lot = pickOf(this.lots, step);
    if (!lot) return;
    const points = Math.min(step.points, lot.available);
    const receivablePoints = step.pick % 3 === 0 && !lot.dryRun ? step.points : 0;
    lot.available -= points;
    const reversalId = this.id();
    const reasonPattern = ['fraud', 'wrong_amount'][step.pick % 2];
    const reversal = { ...lotData(lot), reversalId, points, receivablePoints, reasonPattern, batchId: null };
    this.record(step, 'GrantReversed', lot.ownerId, reversal, `staff:second-${step.pick % 2}`);
    if (receivablePoints === 0) return;
    const receivable = { receivableId: this.id(), lot, open: receivablePoints };
    this.receivables.push(receivable);
    const { receivableId } = receivable;
    this.record(step, 'ReceivableRecorded', lot.ownerId, { ...lotData(lot), receivableId, points: receivablePoints });
  }

  private settleReceivable(step: Step): void {
    const receivable = pickOf(
      this.receivables.filter(({ open }) => open > 0),
      step,
    );
    if (!receivable) return;
    const { receivableId, lot, open } = receivable;
    const paying = this.lots.find(
      (each) => each.ownerId === lot.ownerId && each.personId === lot.personId && each.available > 0 && !each.dryRun,
    );
    if (!paying || step.pick % 4 === 0) {
      receivable.open = 0;
      const data = { ...lotData(lot), receivableId, points: open, reasonPattern: 'hardship' };
      this.record(step, 'ReceivableWrittenOff', lot.ownerId, data, 'staff:second');
      return;
    }
    const points = Math.min(step.points, open, paying.available);
    receivable.open -= points;
    paying.available -= points;
    const pays = { payingLotId: paying.lotId, payingFundId: paying.fundId, payingOwnerId: paying.ownerId };
    this.record(step, 'ReceivableRepaid', lot.ownerId, { ...lotData(lot), receivableId, ...pays, points });
  }

  private extend(step: Step): void {
    const lot = pickOf(this.lots, step);
    if (!lot) return;
    const times = { previousExpiresAt: isoTime(this.nowMs), expiresAt: isoTime(this.nowMs + step.points * hourMs) };
    const { personId, lotId } = lot;
    this.record(step, 'LotExtended', lot.ownerId, { personId, lotId, extensionId: this.id(), ...times });
  }

  private record({ lateMs }: Step, type: string, ownerId: string | null, data: object, actor = 'service:point-ledger') {
    const position = this.events.length + 1;
    const { personId, fundId } = data as { personId?: string; fundId?: string };
    this.events.push({
      log: 0,
      position,
      id: this.id(),
      requestId: uuid(position),
      stream: personId ? `account-${personId}` : `fund-${fundId}`,
      revision: position,
      type,
      schemaVersion: type === 'PointsGranted' ? 2 : 1,
      effectiveAt: isoTime(this.nowMs - lateMs),
      recordedAt: isoTime(this.nowMs),
      correlationId: uuid(1),
      causationId: null,
      actor,
      ownerId,
      data,
    });
  }

  private id(): string {
    this.ids += 1;
    return uuid(this.ids);
  }
}

function uuid(n: number): string {
  return `019ab3f0-6c00-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

function pickOf<T>(items: readonly T[], { pick }: Step): T | undefined {
  return items[pick % Math.max(1, items.length)];
}

function lotData({ personId, lotId, fundId, ownerId, dryRun }: Lot) {
  return { personId, lotId, fundId, ownerId, campaignId: uuid(1), dryRun };
}

function holdData({ exchangeId, lot, points }: { exchangeId: string; lot: Lot; points: number }) {
  const { personId, lotId, fundId, ownerId } = lot;
  return { holdId: exchangeId, exchangeId, personId, points, lots: [{ lotId, fundId, ownerId, points }] };
}
