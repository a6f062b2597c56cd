import type { Cell } from '@tsunagu/sheets';
import { csvFile } from '@tsunagu/sheets';

/** The part of a Fastify reply that is used here. */
export interface Reply {
  header(name: string, value: string): Reply;
}

export interface Sheet {
  /** Without its ending: letters, digits, hyphens and underscores. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A list named in Accept longer than this is not looked through. */
const acceptLengthMax = 1_000;

/** The answer as JSON, or as a CSV file where the caller prefers that: the same figures either way. */
export function answer<T extends object>(
  reply: Reply,
  accept: string | undefined,
  body: T,
  sheet: (body: T) => Sheet,
): T | Buffer {
  reply.header('vary', 'Accept');
  if (!prefersCsv(accept)) return body;
  const { name, columns, rows } = sheet(body);
  reply
    .header('content-type', 'text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.csv"`);
  return csvFile(columns, rows);
}

/** Whether CSV is named, and no lower than JSON (RFC 9110 §12.5.1). Ranges such as `*` are not a wish for CSV. */
export function prefersCsv(accept = ''): boolean {
  if (accept.length > acceptLengthMax) return false;
  const weights = new Map<string, number>();
  for (const entry of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = entry.split(';').map((text) => text.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(type, quality === undefined ? 1 : Number(quality.slice(2)) || 0);
  }
  const csv = weights.get('text/csv') ?? 0;
  return csv > 0 && csv >= (weights.get('application/json') ?? 0);
}
