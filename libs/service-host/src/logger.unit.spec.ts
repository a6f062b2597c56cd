import { pino } from 'pino';
import type { Caller } from './caller.js';
import { noteLook } from './logger.js';

test('a look of staff is written at whatever level the service logs', () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const caller: Caller = {
    subject: 'desk-1',
    role: 'support',
    ownerId: 'demo',
    tokenId: 't',
    expiresAt: 0,
    actor: 'staff:desk-1',
  };
  logger.info('left out');
  noteLook(logger, 'claim looked at', caller, { correlationId: 'c', claimId: 'k' });
  expect(lines).toEqual([
    expect.objectContaining({ msg: 'claim looked at', actor: 'staff:desk-1', role: 'support', claimId: 'k' }),
  ]);
});
