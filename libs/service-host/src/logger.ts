import { type Logger, pino } from 'pino';
import type { Caller } from './caller.js';

/** JSON lines on standard output with the service's name; the level from LOG_LEVEL. Fields hold ids, codes and counts, never personal data. */
export function createLogger(service: string, level = process.env.LOG_LEVEL ?? 'info'): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** Says who of the staff looked at what of a person: every such look is on record, whatever LOG_LEVEL leaves out. */
export function noteLook(
  logger: Logger,
  what: 'claim looked at' | 'claim replayed' | 'account looked at' | 'membership looked at',
  { actor, role }: Caller,
  ids: {
    readonly correlationId: string;
    readonly claimId?: string;
    readonly accountId?: string;
    readonly personId?: string;
    readonly service?: string;
  },
): void {
  logger.child({}, { level: 'info' }).info({ actor, role, ...ids }, what);
}
