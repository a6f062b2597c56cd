import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonCodes } from '@tsunagu/contracts';
import { referencePages } from './reference-pages.js';

const root = resolve(import.meta.dirname, '..');

describe('the generated reference', () => {
  test.each([...referencePages()])('%s is what the contracts say (else: npm run docs)', (path, text) => {
    expect(readFileSync(resolve(root, path), 'utf8')).toBe(text);
  });

  test('every reason that a service gives stands in the table', () => {
    const known = new Set(Object.values(reasonCodes).flatMap((codes) => Object.keys(codes)));
    const files = globSync('services/*/src/{domain,outbound,workflows}/**/*.ts', { cwd: root });
    const given = files
      .filter((path) => !path.endsWith('.spec.ts') && !/(^|\/)test-/.test(path))
      .flatMap((path) => [
        ...readFileSync(resolve(root, path), 'utf8').matchAll(/(?:reasonCode: |\brefused\(\w+, )'(\w+)'/g),
      ])
      .map(([, code = '']) => code);
    expect(given.length).toBeGreaterThan(5);
    expect([...new Set(given)].filter((code) => !known.has(code))).toEqual([]);
  });
});
