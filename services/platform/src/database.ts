import { serviceNames } from '@tsunagu/contracts';
import pg from 'pg';
import { roleOf } from './data-directory.js';
import { type LedgerLogs, oneLedgerLog } from './ledger-logs.js';

export const databaseName = 'tsunagu';
export const ownerRole = 'tsunagu_owner';
const LEDGER_ROLE = roleOf('point-ledger');

/** Connection strings into the platform's database. */
export interface DatabaseUrls {
  readonly superuser: string;
  readonly owner: string;
  /** By service name. */
  readonly services: ReadonlyMap<string, string>;
  /** The point ledger's logs 1, 2, … in databases of their own. */
  readonly ledgerLogs: readonly LogUrls[];
}

export interface LogUrls {
  readonly owner: string;
  readonly service: string;
}

/**
 * Makes the database and its roles where they are missing: an owner that migrates, and a role a service that may log in
 * and nothing else until its migrations grant more.
 */
export async function prepareDatabase(
  superuserUrl: string,
  passwords: Readonly<Record<string, string>>,
  ledgerLogs: LedgerLogs = oneLedgerLog,
): Promise<DatabaseUrls> {
  await withClient(superuserUrl, async (client) => {
    for (const [role, password] of Object.entries(passwords)) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
      const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
      await client.query(`${verb} ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    }
    for (const name of [databaseName, ...ownLogNames(ledgerLogs)]) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (rowCount === 0) await client.query(`CREATE DATABASE ${name} OWNER ${ownerRole}`);
    }
  });
  const urls = databaseUrls(superuserUrl, passwords, ledgerLogs);
  await withClient(urls.superuser, (client) => client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC'));
  return urls;
}

export function databaseUrls(
  superuserUrl: string,
  passwords: Readonly<Record<string, string>>,
  ledgerLogs: LedgerLogs = oneLedgerLog,
): DatabaseUrls {
  const url = (role: string, database = databaseName) => {
    const made = new URL(superuserUrl);
    made.pathname = `/${database}`;
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
    ledgerLogs:
      'count' in ledgerLogs
        ? ownLogNames(ledgerLogs).map((name) => ({ owner: url(ownerRole, name), service: url(LEDGER_ROLE, name) }))
        : ledgerLogs.services.map((service, index) => ({ service, owner: ledgerLogs.owners[index] ?? '' })),
  };
}

/** Names of the databases of log 1, 2, … on the platform's own server. */
function ownLogNames(logs: LedgerLogs): readonly string[] {
  return 'count' in logs ? Array.from({ length: logs.count - 1 }, (_, index) => `tsunagu_ledger_${index + 1}`) : [];
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
