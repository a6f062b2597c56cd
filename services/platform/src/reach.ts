import { DataDirectory, type Running } from './data-directory.js';
import { type DatabaseUrls, databaseUrls } from './database.js';
import { startDatabaseServer } from './database-server.js';
import { type Settings, UserError } from './settings.js';

/** What the command line needs of a platform: its address, its keys and its databases. */
export interface Reach {
  readonly url: string;
  readonly directory: DataDirectory;
  readonly databases: DatabaseUrls;
  readonly running: Running;
}

/** The platform running on the data directory; a UserError says how to start one. */
export function requireRunning(settings: Settings): Reach {
  const directory = new DataDirectory(settings.dataDirectory);
  const running = directory.running();
  if (!running) {
    throw new UserError(`No platform is running on ${settings.dataDirectory}: start it first with npm start.`);
  }
  return {
    url: process.env.TSUNAGU_URL ? settings.url : running.url,
    directory,
    databases: databaseUrls(running.postgresUrl, directory.passwords(), directory.ledgerLogs()),
    running,
  };
}

/**
 * The platform's data, whether it runs or not: where it does not, its PostgreSQL is started for the time of the work.
 * For commands that only read the logs.
 */
export async function withData<T>(
  settings: Settings,
  work: (data: { directory: DataDirectory; databases: DatabaseUrls; running: Running | undefined }) => Promise<T>,
): Promise<T> {
  const directory = new DataDirectory(settings.dataDirectory);
  const running = directory.running();
  if (running) {
    return work({
      directory,
      databases: databaseUrls(running.postgresUrl, directory.passwords(), directory.ledgerLogs()),
      running,
    });
  }
  if (!directory.hasData()) {
    throw new UserError(`There is no data in ${settings.dataDirectory} yet: run npm start first.`);
  }
  await directory.lock();
  try {
    const server = await startDatabaseServer(directory);
    try {
      const databases = databaseUrls(server.url, directory.passwords(), directory.ledgerLogs());
      return await work({ directory, databases, running: undefined });
    } finally {
      await server.stop();
    }
  } finally {
    directory.unlock();
  }
}
