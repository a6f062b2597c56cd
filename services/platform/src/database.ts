import { serviceNames } from '@tsunagu/contracts';
import pg from 'pg';
import { roleOf } from './data-directory.js';

export const databaseName = 'tsunagu';
export const ownerRole = 'tsunagu_owner';

/** Connection strings into the platform's database. */
export interface DatabaseUrls {
  readonly superuser: string;
  readonly owner: string;
  /** By service name. */
  readonly services: ReadonlyMap<string, string>;
}

/**
 * Makes the database and its roles where they are missing: an owner that migrates, and a role a service that may log in
 * and nothing else until its migrations grant more.
 */
export async function prepareDatabase(
  superuserUrl: string,
  passwords: Readonly<Record<string, string>>,
): Promise<DatabaseUrls> {
  await withClient(superuserUrl, async (client) => {
    for (const [role, password] of Object.entries(passwords)) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
      const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
      await client.query(`${verb} ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    }
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName} OWNER ${ownerRole}`);
  });
  const urls = databaseUrls(superuserUrl, passwords);
  await withClient(urls.superuser, (client) => client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC'));
  return urls;
}

export function databaseUrls(superuserUrl: string, passwords: Readonly<Record<string, string>>): DatabaseUrls {
  const url = (role: string) => {
    const made = new URL(superuserUrl);
    made.pathname = `/${databaseName}`;
    if (role !== '') {
      made.username = role;
      made.password = passwords[role] ?? '';
    }
    return made.href;
  };
  return {
    superuser: url(''),
    owner: url(ownerRole),
    services: new Map(serviceNames.map((service) => [service, url(roleOf(service))])),
  };
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
