import type { RunningPostgres } from '@tsunagu/testing';
import type { Settings } from './settings.js';

/** What a start tells the terminal. */
export function startedLines(
  settings: Settings,
  url: string,
  server: RunningPostgres,
  topology: readonly string[],
): string[] {
  const elsewhere = server.directory.startsWith(settings.dataDirectory)
    ? ''
    : `; PostgreSQL's files in ${server.directory}, which its user can reach`;
  return [
    'Tsunagu',
    ...topology,
    `Data       ${settings.dataDirectory}${elsewhere}`,
    `API        ${url}   documents at ${url}/docs, metrics at ${url}/metrics`,
    settings.profile === 'test'
      ? `Profile    test: test cards, command-line tokens, a simulated provider at ${url}/sim-pay; one person is enough for everything but settlements`
      : 'Profile    production',
  ];
}
