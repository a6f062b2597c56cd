import fc from 'fast-check';
import {
  type CorrectionPattern,
  correctionPatterns,
  type ErrorCode,
  errorCodes,
  keyOf,
  linkPatterns,
  publishedEvents,
  publishedVersions,
  type ReasonCode,
  reasonCodes,
  schemaErrors,
  topics,
  typesOf,
} from './index.js';

describe('published events', () => {
  test.each(publishedEvents.map((event) => [event.type, event] as const))(
    '%s: the example keeps the schema',
    (type, event) => {
      expect(schemaErrors(type, event.version, event.example)).toEqual([]);
      expect(keyOf(type, event.example as Record<string, unknown>)).not.toBe('undefined');
      expect(event.meaning).toMatch(/^[A-Z].*\.$/);
    },
  );

  test.each(publishedEvents.map((event) => [event.type, event] as const))(
    '%s: an unknown member or a missing one is refused',
    (type, event) => {
      const example = event.example as Record<string, unknown>;
      expect(schemaErrors(type, event.version, { ...example, name: 'Sato' })).not.toEqual([]);
      const { [event.key]: _, ...rest } = example;
      expect(schemaErrors(type, event.version, rest)).not.toEqual([]);
      expect(schemaErrors(type, event.version + 1, example)).not.toEqual([]);
    },
  );

  const older = publishedEvents.flatMap((event) =>
    (event.older ?? []).map((version, index) => [event.type, index + 1, event, version] as const),
  );
  test.each(older)(
    '%s version %d: its example keeps its schema, and so does what becomes of it',
    (type, n, event, version) => {
      expect(schemaErrors(type, n, version.example)).toEqual([]);
      expect(schemaErrors(type, n, { ...(version.example as object), name: 'Sato' })).not.toEqual([]);
      const recorded = { type, schemaVersion: n, data: version.example };
      const newest = publishedVersions.upcast(recorded);
      expect(newest.schemaVersion).toBe(event.version);
      expect(schemaErrors(type, newest.schemaVersion, newest.data)).toEqual([]);
      const keyed = [recorded, newest].map(({ data }) => keyOf(type, data as Record<string, unknown>));
      expect(keyed[0]).toBe(keyed[1]);
    },
  );

  test.each(publishedEvents)('$type: as many older versions as the number of the newest says', ({ version, older }) => {
    expect(older ?? []).toHaveLength(version - 1);
  });

  test('a type stands on one topic, its own producer’s', () => {
    const listed = Object.values(topics).flatMap((topic) => typesOf(topic));
    expect(listed.slice().sort()).toEqual(publishedEvents.map((event) => event.type).sort());
    for (const event of publishedEvents) expect(event.topic).toContain(`.${event.producer}.`);
  });

  test('what is not published has neither schema nor key', () => {
    fc.assert(
      fc.property(fc.string(), (type) => {
        fc.pre(!publishedEvents.some((event) => event.type === type));
        expect(schemaErrors(type, 1, {})).toHaveLength(1);
        expect(() => keyOf(type, {})).toThrow('not a published event');
      }),
    );
  });
});

const english = /^[A-Z].*[.]$/;
const japanese = /[\u3040-\u30ff\u4e00-\u9fff].*。$/;

describe('error codes', () => {
  test.each(Object.entries<ErrorCode>(errorCodes))(
    '%s: a status and both texts in both languages',
    (code, { status, title, next }) => {
      expect(code).toMatch(/^[a-z_]+\.[a-z][a-z0-9_]*$/);
      expect([400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 500, 503]).toContain(status);
      for (const text of [title, next]) {
        expect(text.en).toMatch(english);
        expect(text.ja).toMatch(japanese);
      }
    },
  );
});

describe('reason codes', () => {
  const all = Object.values(reasonCodes).flatMap((codes) => Object.entries<ReasonCode>(codes));
  test.each(all)('%s: what it means and what the person can do, in both languages', (code, { meaning, next }) => {
    expect(code).toMatch(/^[a-z][a-z_]*$/);
    for (const text of [meaning, next]) {
      expect(text.en).toMatch(english);
      expect(text.ja).toMatch(japanese);
    }
  });
});

describe('patterns of corrections', () => {
  const all = [...Object.values(correctionPatterns), ...Object.values(linkPatterns)].flatMap((patterns) =>
    Object.entries<CorrectionPattern>(patterns),
  );
  test.each(all)('%s: what it says, in both languages', (pattern, { meaning }) => {
    expect(pattern).toMatch(/^[a-z][a-z_]*$/);
    expect(meaning.en).toMatch(english);
    expect(meaning.ja).toMatch(japanese);
  });
});
