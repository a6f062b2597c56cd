import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { linkFindings, migrationFindings, sourceFindings } from './tidy.js';

const root = resolve(import.meta.dirname, '..');
const skipped = new Set(['node_modules', 'dist', 'coverage', '.cache']);

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split('/').some((part) => skipped.has(part)));
}

const textFile = /(?<!package-lock)\.(ts|mjs|js|sql|json|md|ya?ml|sh|xml|conf|go|mod)$|(^|\/)(Dockerfile|run)$/;

describe('the repository is tidy', () => {
  test('sources: length, markers, folder names, exports, imports, specs that expect', () => {
    const files = ['libs', 'services', 'tools', 'load-tests', 'infra', '.ci']
      .flatMap(filesUnder)
      .filter((path) => textFile.test(path));
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap((path) => sourceFindings(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
  });

  test('migrations are numbered without a gap, so that each schema runs all of them', () => {
    const files = ['libs', 'services'].flatMap(filesUnder).filter((path) => path.endsWith('.sql'));
    expect(files.length).toBeGreaterThan(20);
    expect(migrationFindings(files)).toEqual([]);
  });

  test('every relative link in the documents leads to a file and a heading', () => {
    const pages = [...filesUnder('docs'), 'README.md'].filter((path) => path.endsWith('.md'));
    expect(pages.flatMap((path) => linkFindings(root, path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
  });
});

describe('what counts as untidy', () => {
  const marker = 'FIX' + 'ME';
  test.each([
    ['libs/a/src/x.ts', 'const a = 1;\n'.repeat(401), '401 lines'],
    ['libs/a/src/x.ts', `// ${marker}: later`, 'marker'],
    ['libs/a/README.md', marker, 'marker'],
    ['libs/a/src/utils/x.ts', '', 'name must say'],
    ['libs/a/src/index.ts', "export * from './x.js';", 'exports everything'],
    ['libs/a/src/x.unit.spec.ts', "test('nothing', () => undefined);", 'expects nothing'],
    ['libs/a/src/x.ts', "import { b } from '../../b/src/x.js';", 'by its name'],
    ['services/a/src/x.ts', "await import('../../../libs/b/src/x.js')", 'by its name'],
  ])('%s: %#', (path, text, words) => {
    expect(sourceFindings(path, text).join('\n')).toContain(words);
  });

  test('a tidy file has no findings', () => {
    const text = `${'const a = 1;\n'.repeat(399)}import { b } from '../b.js';\n`;
    expect(sourceFindings('libs/a/src/http/x.ts', text)).toEqual([]);
  });

  test.each([
    [['001', '003'], 'no migration 002'],
    [['001', '002', '002'], '002 is not free'],
    [['001', '002', '003', '004', '005', '006', '007'], '007 is not free'],
  ])('migrations %j', (numbers, words) => {
    const paths = numbers.map((number, i) => `services/identity/src/migrations/${number}.do.x${i}.sql`);
    expect(migrationFindings(paths).join('\n')).toContain(words);
    expect(migrationFindings(['001', '002'].map((number) => `libs/a/src/migrations/${number}.do.x.sql`))).toEqual([]);
  });

  test('links that lead nowhere are found, and only those', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsunagu-links-'));
    try {
      mkdirSync(join(folder, 'docs'));
      writeFileSync(join(folder, 'docs/b.md'), '# One claim, end to end\n\n## Same\n\n## Same\n');
      const good =
        '[a](b.md) [b](b.md#one-claim-end-to-end) [c](b.md#same-1) [d](https://example.org/x) `[e](gone.md)`';
      expect(linkFindings(folder, 'docs/a.md', good)).toEqual([]);
      const bad = '[a](gone.md) [b](b.md#nowhere) ![c](../../outside.png)';
      expect(linkFindings(folder, 'docs/a.md', bad)).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
