import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LedgerLogs, readLedgerLogs } from './ledger-logs.js';
import { UserError } from './user-error.js';

export { UserError } from './user-error.js';

/** What the platform and the command line read from the environment. */
export interface Settings {
  readonly profile: 'test' | 'production';
  readonly host: string;
  readonly port: number;
  /** Where keys, the PostgreSQL data and the test issuer lie. */
  readonly dataDirectory: string;
  /** The instant the test clock is to show, from TSUNAGU_CLOCK. */
  readonly clock: string | undefined;
  /** Where the point ledger's logs lie; undefined: as the data were left. */
  readonly ledgerLogs: LedgerLogs | undefined;
  /** Base URL that the command line calls. */
  readonly url: string;
}

export const root = fileURLToPath(new URL('../../../', import.meta.url));

export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const profile = env.TSUNAGU_PROFILE ?? 'test';
  if (profile !== 'test' && profile !== 'production') {
    throw new UserError(`TSUNAGU_PROFILE is "${profile}"; it must be "test" or "production".`);
  }
  const port = readPort(env.PORT ?? '8080');
  const host = env.HOST ?? '127.0.0.1';
  if (profile === 'test' && !isLoopback(host)) {
    throw new UserError(`HOST is "${host}"; the test profile listens on loopback only (127.0.0.1, ::1 or localhost).`);
  }
  const clock = env.TSUNAGU_CLOCK || undefined;
  if (clock !== undefined && Number.isNaN(Date.parse(clock))) {
    throw new UserError(`TSUNAGU_CLOCK is "${clock}"; it must be an instant such as 2026-11-20T10:00:00+09:00.`);
  }
  if (clock !== undefined && profile !== 'test') throw new UserError('TSUNAGU_CLOCK is for the test profile only.');
  const directory = env.TSUNAGU_DATA ?? '.tsunagu';
  return {
    profile,
    host,
    port,
    dataDirectory: isAbsolute(directory) ? directory : resolve(root, directory),
    clock,
    ledgerLogs: readLedgerLogs(env),
    url: readUrl(env.TSUNAGU_URL ?? `http://127.0.0.1:${port}`),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new UserError(`PORT is "${text}"; it must be a number from 1 to 65535.`);
  }
  return port;
}

function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new UserError(`TSUNAGU_URL is "${text}"; it must be an http or https address.`);
  }
  return text.replace(/\/+$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
