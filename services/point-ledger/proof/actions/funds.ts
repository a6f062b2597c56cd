import { appendOne } from '@tsunagu/event-store';
import { isoTime, newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { fundStream } from '../../src/domain/fund.js';
import { ledgerEvent } from '../../src/workflows/recording.js';
import { fundTerms } from '../world.js';
import type { ActionKind } from './action.js';

/** An operator commits a fund or raises it. */
export const commit: ActionKind<{ fund: number; points: number }> = {
  arbitrary: fc.record({ fund: fc.nat({ max: 3 }), points: fc.integer({ min: 1, max: 40 }) }),
  prepare: (world, { fund, points }) => ({
    delivered: [],
    async run({ log }) {
      const { ownerId, dryRun } = fundTerms(fund);
      const fundId = world.fundIds[fund] ?? '';
      const stream = fundStream(fundId);
      const data = { fundId, ownerId, dryRun, name: 'fund', fiscalYear: 2026, budgetCode: null, amountPoints: points };
      const id = newId(world.nowMs);
      const meta = { id, cause: { id: null, correlationId: id }, effectiveAt: isoTime(world.nowMs), ownerId };
      const events = [ledgerEvent({ type: 'FundCommitted', data }, meta)];
      for (let isRecorded = false; !isRecorded; ) {
        const length = (await log.readStreams([stream])).get(stream)?.length ?? 0;
        const expectedRevision = length === 0 ? 'noStream' : length - 1;
        isRecorded = await appendOne(log, { writes: [{ stream, expectedRevision, events }] });
      }
      return [];
    },
  }),
};

/** The sweeper's round: what it finds by a read model, here looked up on the streams. */
export const sweep: ActionKind<null> = {
  arbitrary: fc.constant(null),
  prepare: (world) => ({
    delivered: [],
    async run({ leases, slot }) {
      for (const fundId of world.fundIds) {
        for (const { leased, lease } of (await leases.look(fundId))?.leases ?? []) {
          const isLeft = leased.slot === slot;
          if (leases.isOwn(fundId, leased.leaseId) || (!isLeft && lease?.open)) continue;
          await leases.repair(fundId, leased.leaseId, { close: isLeft });
        }
      }
      return [];
    },
  }),
};
