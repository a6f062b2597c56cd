import type { Projection, RecordedEvent } from '@tsunagu/event-store';
import type { TerminalEvent } from '../domain/terminal-session.js';

/** One row a signal, for the staff of the owner whose terminal raised it. */
export const signalsProjection: Projection = {
  name: 'signals',
  tables: ['signals'],
  types: ['TerminalSignalRaised'],
  async apply(client, events) {
    for (const event of events as readonly (RecordedEvent & TerminalEvent)[]) {
      if (event.type !== 'TerminalSignalRaised') continue;
      const { signalId, kind, terminalId, first, second, intervalSeconds } = event.data;
      await client.query(
        `insert into signals
           (signal_id, owner_id, kind, terminal_id, first_person_id, second_person_id, interval_seconds, raised_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          signalId,
          event.ownerId,
          kind,
          terminalId,
          first.personId,
          second.personId,
          intervalSeconds,
          event.effectiveAt,
        ],
      );
    }
  },
};
