import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { referencePages } from './reference-pages.js';

const root = resolve(import.meta.dirname, '..');

describe('the generated reference', () => {
  test.each([...referencePages()])('%s is what the contracts say (else: npm run docs)', (path, text) => {
    expect(readFileSync(resolve(root, path), 'utf8')).toBe(text);
  });
});
