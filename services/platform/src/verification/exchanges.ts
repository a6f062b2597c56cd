import type { Finding } from './finding.js';
import type { Read } from './scan.js';
import { Spill } from './spill.js';

/** Exchanges and their holds, put aside by exchange and looked at some at a time. */
export class Exchanges {
  private readonly spill: Spill<{ readonly side: 'owner' | 'ledger'; readonly event: Read }>;
  readonly counts = { exchanges: 0, inProgress: 0 };

  constructor(expected: number) {
    this.spill = new Spill(expected);
  }

  takeExchange(event: Read): void {
    if (event.type.startsWith('Exchange')) this.spill.put(String(event.data.exchangeId), { side: 'owner', event });
  }

  takeLedger(event: Read): void {
    if (typeof event.data.exchangeId === 'string') this.spill.put(event.data.exchangeId, { side: 'ledger', event });
  }

  settle(): Promise<void> {
    return this.spill.settle();
  }

  close(): void {
    this.spill.close();
  }

  async findings(): Promise<Finding[]> {
    const findings: Finding[] = [];
    for await (const bucket of this.spill.buckets()) {
      const check = checkExchanges();
      for (const { side, event } of bucket) if (side === 'owner') check.takeExchange(event);
      for (const { side, event } of bucket) if (side === 'ledger') check.takeLedger(event);
      const moved = check.findings();
      findings.push(...moved.findings);
      this.counts.exchanges += moved.exchanges;
      this.counts.inProgress += moved.inProgress;
    }
    return findings;
  }
}

/** I2 for exchanges: a hold ends only by its owner's recorded outcome, and what was captured is what the provider credited. */
export function checkExchanges(): {
  takeExchange(event: Read): void;
  takeLedger(event: Read): void;
  findings(): { findings: Finding[]; exchanges: number; inProgress: number };
} {
  const outcomes = new Map<string, { event: Read; requested: Read; outcome: 'open' | 'confirmed' | 'released' }>();
  const holds = new Map<string, { event: Read; state: 'held' | 'captured' | 'released'; points: unknown }>();
  return {
    takeExchange(event) {
      const exchangeId = String(event.data.exchangeId);
      const known = outcomes.get(exchangeId);
      if (event.type === 'ExchangeRequested') outcomes.set(exchangeId, { event, requested: event, outcome: 'open' });
      else if (known && event.type === 'ExchangeConfirmed')
        outcomes.set(exchangeId, { ...known, event, outcome: 'confirmed' });
      else if (known && (event.type === 'ExchangeRejected' || event.type === 'ExchangeCancelled')) {
        outcomes.set(exchangeId, { ...known, event, outcome: 'released' });
      }
    },
    takeLedger(event) {
      const exchangeId = String(event.data.exchangeId);
      if (event.type === 'PointsHeld') holds.set(exchangeId, { event, state: 'held', points: event.data.points });
      if (event.type === 'HoldCaptured') holds.set(exchangeId, { event, state: 'captured', points: event.data.points });
      if (event.type === 'HoldReleased') holds.set(exchangeId, { event, state: 'released', points: event.data.points });
    },
    findings() {
      const findings: Finding[] = [];
      let inProgress = 0;
      for (const [exchangeId, { event, state, points }] of holds) {
        const say = (detail: string) =>
          findings.push({
            invariant: 'I2',
            service: 'point-ledger',
            position: event.position,
            eventId: event.id,
            detail,
          });
        const owner = outcomes.get(exchangeId);
        if (!owner) {
          say(`a hold for exchange ${exchangeId}, which nobody asked for`);
          continue;
        }
        if (owner.requested.data.points !== points)
          say(`exchange ${exchangeId} asked for ${owner.requested.data.points} points and ${points} moved`);
        if (state === 'captured' && owner.outcome !== 'confirmed')
          say(`exchange ${exchangeId} was captured while its owner says ${owner.outcome}`);
        if (state === 'released' && owner.outcome !== 'released')
          say(`exchange ${exchangeId} was released while its owner says ${owner.outcome}`);
        if (state === 'held') inProgress += 1;
      }
      return { findings, exchanges: outcomes.size, inProgress };
    },
  };
}
