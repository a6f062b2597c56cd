import { type DatabaseUrls, withClient } from '../src/database.js';
import { definitions } from '../src/services.js';

export interface EventRow {
  readonly service: string;
  readonly stream: string;
  readonly type: string;
  /** The whole row as PostgreSQL writes it in JSON. */
  readonly text: string;
}

/** Every row of every service's log, read past the services. */
export function allEvents(databases: DatabaseUrls): Promise<EventRow[]> {
  return withClient(databases.superuser, async (client) => {
    const found: EventRow[] = [];
    for (const { name, schema } of definitions) {
      const { rows } = await client.query<EventRow>(
        `select $1 as service, stream, type, row_to_json(e)::text as text from ${schema}.events e order by position`,
        [name],
      );
      found.push(...rows);
    }
    return found;
  });
}

/** The types of one stream's events, in order. */
export function typesOf(databases: DatabaseUrls, schema: string, stream: string): Promise<string[]> {
  return withClient(databases.superuser, async (client) => {
    const query = `select type from ${schema}.events where stream = $1 order by revision`;
    const { rows } = await client.query<{ type: string }>(query, [stream]);
    return rows.map(({ type }) => type);
  });
}
