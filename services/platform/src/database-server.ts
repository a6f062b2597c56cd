import { type RunningPostgres, startPostgres } from '@tsunagu/testing';
import type { DataDirectory } from './data-directory.js';
import { UserError } from './settings.js';

/** The platform's own PostgreSQL on its data directory. What keeps it from starting is one sentence. */
export async function startDatabaseServer(directory: DataDirectory): Promise<RunningPostgres> {
  try {
    return await startPostgres({ dataDirectory: directory.postgres, port: 0 });
  } catch (error) {
    throw new UserError(`PostgreSQL did not start: ${(error as Error).message}`);
  }
}
