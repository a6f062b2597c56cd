import { type RunningPostgres, startPostgres } from '@tsunagu/testing';
import type { DataDirectory } from './data-directory.js';
import type { LedgerLogs } from './ledger-logs.js';
import { UserError } from './settings.js';

/** Five services with a log each: 12 connections over which they read, 3 of the log, 4 of the thread that keeps its tree; and the command line's. */
const CONNECTIONS = 150;
/** The ledger's reads, appends and notices over one further log, and the command line's. */
const CONNECTIONS_A_LOG = 20;

/** The platform's own PostgreSQL on its data directory. What keeps it from starting is one sentence. */
export async function startDatabaseServer(
  directory: DataDirectory,
  ledgerLogs: LedgerLogs = directory.ledgerLogs(),
): Promise<RunningPostgres> {
  const furtherLogs = 'count' in ledgerLogs ? ledgerLogs.count - 1 : 0;
  const settings = { max_connections: String(CONNECTIONS + CONNECTIONS_A_LOG * furtherLogs) };
  try {
    return await startPostgres({
      dataDirectory: directory.postgres,
      port: 0,
      settings,
    });
  } catch (error) {
    throw new UserError(`PostgreSQL did not start: ${(error as Error).message}`);
  }
}
