import { type Logger, pino } from 'pino';

/** JSON lines on standard output with the service's name; the level from LOG_LEVEL. Fields hold ids, codes and counts, never personal data. */
export function createLogger(service: string, level = process.env.LOG_LEVEL ?? 'info'): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
