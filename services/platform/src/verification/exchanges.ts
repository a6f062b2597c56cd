import type { Finding } from './finding.js';
import type { Seen } from './kept.js';

interface Hold {
  readonly event: Seen;
  readonly state: 'held' | 'captured' | 'released';
  readonly heldPoints: number;
  /** Captured and released. */
  readonly endedPoints: number;
  readonly capturedPoints?: number;
}

/** I2 for exchanges: a hold ends only by its owner's recorded outcome, and what was captured is what the provider credited. */
export function checkExchanges(): {
  takeExchange(event: Seen): void;
  takeLedger(event: Seen): void;
  findings(): { findings: Finding[]; exchanges: number; inProgress: number };
} {
  const outcomes = new Map<string, { event: Seen; requested: Seen; outcome: 'open' | 'confirmed' | 'released' }>();
  const holds = new Map<string, Hold>();
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
      const { type } = event;
      const points = Number(event.data.points);
      const known = holds.get(exchangeId);
      if (type === 'PointsHeld') holds.set(exchangeId, { event, state: 'held', heldPoints: points, endedPoints: 0 });
      if (type === 'HoldCaptured') {
        const heldPoints = known?.heldPoints ?? 0;
        holds.set(exchangeId, { event, state: 'captured', heldPoints, endedPoints: points, capturedPoints: points });
      }
      // What a capture in part leaves is released; it stays a captured hold.
      if (type === 'HoldReleased') {
        const state = known?.state === 'captured' ? 'captured' : 'released';
        const before = known ?? { heldPoints: 0, endedPoints: 0 };
        holds.set(exchangeId, { ...before, event, state, endedPoints: before.endedPoints + points });
      }
    },
    findings() {
      const findings: Finding[] = [];
      let inProgress = 0;
      for (const [exchangeId, { event, state, heldPoints, endedPoints, capturedPoints }] of holds) {
        const say = (detail: string) =>
          findings.push({
            invariant: 'I2',
            service: 'point-ledger',
            log: event.log,
            position: event.position,
            eventId: event.id,
            detail,
          });
        const owner = outcomes.get(exchangeId);
        if (!owner) {
          say(`a hold for exchange ${exchangeId}, which nobody asked for`);
          continue;
        }
        const moved = state === 'held' ? heldPoints : endedPoints;
        if (owner.requested.data.points !== heldPoints || moved !== heldPoints)
          say(`exchange ${exchangeId} asked for ${owner.requested.data.points} points and ${moved} moved`);
        if (state === 'captured' && owner.outcome !== 'confirmed')
          say(`exchange ${exchangeId} was captured while its owner says ${owner.outcome}`);
        const credited = owner.outcome === 'confirmed' ? owner.event.data.points : undefined;
        if (state === 'captured' && credited !== undefined && credited !== capturedPoints)
          say(`exchange ${exchangeId} was credited with ${credited} points and captured with ${capturedPoints}`);
        if (state === 'released' && owner.outcome !== 'released')
          say(`exchange ${exchangeId} was released while its owner says ${owner.outcome}`);
        if (state === 'held') inProgress += 1;
      }
      return { findings, exchanges: outcomes.size, inProgress };
    },
  };
}
