/** One request as an attacker would send it; bytes of a body are sent as they are. */
export interface Attack {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** An operation of a service's OpenAPI document. */
export interface Operation {
  readonly method: string;
  /** With `{parameters}`. */
  readonly path: string;
  readonly roles: readonly string[] | undefined;
  readonly query: readonly string[];
  readonly bodySchema: string | undefined;
}

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly 'x-roles'?: readonly string[];
            readonly parameters?: readonly { readonly in: string; readonly name: string }[];
            readonly requestBody?: { readonly content: Readonly<Record<string, { schema: { $ref?: string } }>> };
          }
        >
      >
    >
  >;
}

export function operationsOf(document: unknown): Operation[] {
  return Object.entries((document as OpenApi).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      roles: operation['x-roles'],
      query: (operation.parameters ?? []).flatMap((each) => (each.in === 'query' ? each.name : [])),
      bodySchema: Object.values(operation.requestBody?.content ?? {})[0]
        ?.schema.$ref?.split('/')
        .at(-1),
    })),
  );
}

interface Schema {
  readonly $ref?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
}

/** A good body with one member left out, and whether the document calls that member required. */
export interface Omission {
  readonly member: string;
  readonly required: boolean;
  readonly body: unknown;
}

/** One omission for each member that a document describes, however deep. */
export function omissions(document: unknown, schemaName: string, good: unknown): Omission[] {
  const { schemas } = (document as { components: { schemas: Readonly<Record<string, Schema>> } }).components;
  const resolved = (schema: Schema): Schema => {
    const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
    return ref === undefined ? schema : (schemas[ref.split('/').at(-1) ?? ''] ?? {});
  };
  const walk = (schema: Schema, value: unknown, at: readonly string[]): Omission[] => {
    if (Array.isArray(value))
      return value.flatMap((item, i) => walk(resolved(schema.items ?? {}), item, [...at, `${i}`]));
    return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
      const place = [...at, name];
      const inside = (value as Record<string, unknown> | undefined)?.[name];
      const required = schema.required?.includes(name) ?? false;
      const body = replaced(good, place, undefined);
      return [
        { member: place.join('.'), required, body },
        ...(inside === undefined ? [] : walk(resolved(member), inside, place)),
      ];
    });
  };
  return walk(schemas[schemaName] ?? {}, good, []);
}

/** What stands in place of each member of a good body, in turn. As JSON text: some cannot be written as a value. */
const oddValues: readonly string[] = [
  'null',
  'true',
  '-1',
  '0.5',
  '1e308',
  '9007199254740993',
  '""',
  '" "',
  '[]',
  '{}',
  '[[null]]',
  '{"a":{"toString":1}}',
  '"x\\u0000y"',
  '"x\\u0001\\u001b[2Jy"',
  '"\\ud800"',
  '"\\u202e\\u200b\\ufeff"',
  '"2026-02-30"',
  '"+275760-09-13T00:00:00.001Z"',
  '"0000-00-00T00:00:00Z"',
  '"\'; drop table events; --"',
  '"../../../etc/passwd"',
  '"http://[::1"',
  `"${'x'.repeat(5_000)}"`,
  '"𝟏𝟐𝟑𝟒"',
];

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const json = { 'content-type': 'application/json' };

/** Every member of a good body replaced by every odd value. */
export function memberAttacks(body: unknown): { name: string; body: string }[] {
  return placesOf(body, []).flatMap((place) =>
    oddValues.map((value) => {
      const marked = JSON.stringify(replaced(body, place, MARK));
      return { name: `${place.join('.')} = ${value.slice(0, 40)}`, body: marked.replace(`"${MARK}"`, () => value) };
    }),
  );
}

const MARK = '@@odd@@';

function placesOf(value: unknown, at: readonly string[]): (readonly string[])[] {
  const here = at.length === 0 ? [] : [at];
  if (value === null || typeof value !== 'object') return here;
  return [...here, ...Object.entries(value).flatMap(([key, member]) => placesOf(member, [...at, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...(value as object) };
  const members = copy as Record<string, unknown>;
  members[key] = replaced(members[key], rest, by);
  return copy;
}

/** Bodies that are wrong as a whole, with the headers they come with. */
export function bodyAttacks(
  good: unknown,
): { name: string; headers: Record<string, string>; body?: Buffer | string }[] {
  const text = JSON.stringify(good);
  const first = Object.keys(good as object)[0] ?? 'a';
  const member = JSON.stringify((good as Record<string, unknown>)[first] ?? 1);
  const more = text === '{}' ? '{' : `${text.slice(0, -1)},`;
  return [
    { name: 'no body', headers: json },
    { name: 'no body, no type', headers: {} },
    { name: 'not JSON', headers: json, body: '{"a":' },
    { name: 'JSON null', headers: json, body: 'null' },
    { name: 'JSON text', headers: json, body: '"text"' },
    { name: 'JSON list', headers: json, body: `[${text}]` },
    { name: 'huge', headers: json, body: `${more}"x":"${'x'.repeat(1_000_000)}"}` },
    { name: 'just over the limit', headers: json, body: text.padEnd(65_537) },
    { name: 'deep', headers: json, body: `${more}"x":${nested(60)}}` },
    { name: 'very deep', headers: json, body: nested(30_000) },
    { name: 'many members', headers: json, body: `${more}${Array.from({ length: 5_000 }, (_, i) => `"m${i}":1`)}}` },
    {
      name: 'a key twice',
      headers: json,
      body: `${more}${JSON.stringify(first)}:${member},${JSON.stringify(first)}:${member}}`,
    },
    { name: '__proto__', headers: json, body: `${more}"__proto__":{"role":"operator"}}` },
    { name: 'constructor', headers: json, body: `${more}"constructor":{"prototype":{"role":"operator"}}}` },
    { name: 'unknown member', headers: json, body: `${more}"ownerId":"other-city"}` },
    { name: 'NUL in a key', headers: json, body: `${more}"\\u0000":1}` },
    { name: 'raw control characters', headers: json, body: `${more}"x":"\u0000\u0007"}` },
    {
      name: 'invalid UTF-8',
      headers: json,
      body: Buffer.concat([Buffer.from(more), Buffer.from([34, 0xc3, 0x28, 0xff, 34, 58, 49, 125])]),
    },
    {
      name: 'UTF-16',
      headers: { 'content-type': 'application/json; charset=utf-16' },
      body: Buffer.from(text, 'utf16le'),
    },
    { name: 'a byte order mark', headers: json, body: `\ufeff${text}` },
    { name: 'text/plain', headers: { 'content-type': 'text/plain' }, body: text },
    { name: 'a form', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
    { name: 'multipart', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' },
    { name: 'a broken type', headers: { 'content-type': ';;=' }, body: text },
    { name: 'said to be gzip', headers: { ...json, 'content-encoding': 'gzip' }, body: text },
  ];
}

/** In place of an id in a path, as sent. */
export const oddIds: readonly string[] = [
  '%00',
  'x%00y',
  '0',
  '-1',
  'null',
  '%F0%9F%92%A5',
  '%E2%80%AE',
  '%ff%fe',
  '%',
  '%zz',
  '..%2f..%2finternal',
  '%2e%2e%2fv1',
  '.',
  'a;b=c',
  "'%20or%201=1--",
  '%0d%0aSet-Cookie:a=b',
  '__proto__',
  '{id}',
  'x'.repeat(150),
  'x'.repeat(1_500),
  '00000000-0000-0000-0000-000000000000',
  '019AB3F0-6C00-7000-8000-000000000001',
  '019ab3f0-6c00-7000-8000-000000000001%20',
];

export const oddQueryValues: readonly string[] = [
  '',
  '-1',
  '0',
  '1e9',
  '1000000000000000000000',
  'NaN',
  '1.5',
  '%00',
  '%ff',
  '%F0%9F%92%A5',
  'x'.repeat(1_800),
  '019ab3f0-6c00-7000-8000-000000000001',
  'eyJhIjoxfQ==',
  '999999999999999',
  '2026-02-30T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '-271821-04-20T00:00:00Z',
  "'; drop table events; --",
];

/** Headers that node:http sends as they are. */
export const oddHeaders: readonly Readonly<Record<string, string>>[] = [
  { authorization: `Bearer ${'x'.repeat(10_000)}` },
  { authorization: 'Bearer ' },
  { authorization: 'Bearer a.b.c, Bearer d.e.f' },
  { authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.` },
  { 'idempotency-key': '\u0080\u00ff' },
  { 'idempotency-key': '\t' },
  { 'idempotency-key': 'x'.repeat(300) },
  { prefer: 'wait=9999' },
  { prefer: 'wait=-1, wait=999999999999999999999' },
  { prefer: '='.repeat(3_000) },
  { 'if-match': '"*" , W/"\u00ff"' },
  { 'correlation-id': "'; drop table events; --" },
  { 'accept-language': 'ja;q=x, en;q=-9e999'.repeat(20) },
  { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'evil.example', 'x-original-url': '/identity/internal/v1/log' },
  { 'transfer-encoding': 'chunked' },
  { accept: 'image/png' },
  { host: 'evil.example:99999' },
  Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`x-${i}`, 'x'])),
];

export const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'SEARCH',
] as const;

/** Bytes on the bare connection that no client would send. */
export function rawRequests(host: string, path: string, token: string): Readonly<Record<string, Buffer>> {
  const head = (lines: string, body = '') =>
    Buffer.from(`${lines}\r\nHost: ${host}\r\nConnection: close\r\n${body}`, 'latin1');
  const post = `POST ${path} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json`;
  return {
    'a control character in a header': head(
      `${post}\r\nIdempotency-Key: a\u0001b\u001bc\r\nContent-Length: 2`,
      '\r\n{}',
    ),
    'a NUL in a header': head(`${post}\r\nIdempotency-Key: a\u0000b\r\nContent-Length: 2`, '\r\n{}'),
    'a NUL in the address': head(`GET ${path}/\u0000 HTTP/1.1`, '\r\n'),
    'raw bytes in the address': head(`GET ${path}/\u00e9\u00ff HTTP/1.1`, '\r\n'),
    'two lengths': head(`${post}\r\nContent-Length: 2\r\nContent-Length: 40`, '\r\n{}'),
    'a length and chunks': head(`${post}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked`, '\r\n0\r\n\r\n'),
    'bad chunks': head(`${post}\r\nTransfer-Encoding: chunked`, '\r\nzz\r\n{}\r\n'),
    'a negative length': head(`${post}\r\nContent-Length: -2`, '\r\n{}'),
    'an unknown method': head(`BREW ${path} HTTP/1.1`, '\r\n'),
    'an unknown version': head(`GET ${path} HTTP/9.9`, '\r\n'),
    'no HTTP at all': Buffer.from('\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n', 'latin1'),
    'very long headers': head(`GET ${path} HTTP/1.1\r\nX-Long: ${'x'.repeat(40_000)}`, '\r\n'),
    'a very long address': head(`GET ${path}?q=${'x'.repeat(12_000)} HTTP/1.1`, '\r\n'),
    'an absolute address elsewhere': head(`GET http://evil.example/identity/internal/v1/log HTTP/1.1`, '\r\n'),
    'an address that is no path': head('GET :// HTTP/1.1', '\r\n'),
    'an asterisk': head('OPTIONS * HTTP/1.1', '\r\n'),
  };
}
