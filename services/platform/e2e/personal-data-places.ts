import { serviceNames } from '@tsunagu/contracts';
import { loadOrCreateKey, signAccessToken } from '@tsunagu/service-host';
import { type DatabaseUrls, withClient } from '../src/database.js';
import type { People } from './people.js';
import type { Place } from './personal-data-scan.js';
import { allEvents } from './recorded.js';

/** The simulated provider's own book: no part of the platform. */
const foreignSchemas = ['sim_pay'];

export async function eventPlaces(databases: DatabaseUrls): Promise<Place[]> {
  return (await allEvents(databases)).map(({ service, stream, type, text }) => ({
    where: `${type} on ${stream} of ${service}`,
    text,
  }));
}

export function linePlaces(output: string): Place[] {
  return output.split('\n').map((text, index) => ({ where: `line ${index}: ${text.slice(0, 200)}`, text }));
}

export function metricPlaces(metrics: string): Place[] {
  return metrics.split('\n').map((text) => ({ where: `metric ${text}`, text }));
}

/** Every event as other services read it, by service. */
export async function internalLogPlaces(people: People): Promise<Place[]> {
  const key = await loadOrCreateKey(people.directory.keys, 'service-campaign', 'RS256');
  const nowMs = await people.nowMs();
  const claims = { role: 'service', subject: 'campaign', ttlSeconds: 60 } as const;
  const token = await signAccessToken(key, claims, { now: () => nowMs });
  const places: Place[] = [];
  for (const service of serviceNames) {
    const path = `/${service}/internal/v1/log?limit=1000`;
    const response = await fetch(people.internalUrl + path, { headers: { authorization: `Bearer ${token}` } });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    const { events } = (await response.json()) as { events: readonly unknown[] };
    places.push(...events.map((event, index) => ({ where: `event ${index} of ${path}`, text: JSON.stringify(event) })));
  }
  return places;
}

/** Every row of every table, and what its bytes say as text: what a vault holds must be readable by nobody who reads the table. */
export function tablePlaces(databases: DatabaseUrls): Promise<Place[]> {
  return withClient(databases.superuser, async (client) => {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema') and schemaname <> all($1) order by 1`,
      [foreignSchemas],
    );
    const places: Place[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ text: string }>(`select row_to_json(t)::text as text from ${name} t`);
      places.push(...rows.map(({ text }) => ({ where: `a row of ${name}`, text: `${text}\n${textOfBytes(text)}` })));
    }
    return places;
  });
}

/** The bytes of a row, which PostgreSQL writes in hex, as text. */
function textOfBytes(row: string): string {
  return [...row.matchAll(/\\\\x([0-9a-f]+)/g)]
    .map(([, hex = '']) => Buffer.from(hex, 'hex').toString('utf8'))
    .join('\n');
}
