import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** A tree that breaks each rule once, beside files that break none. */
const files: Readonly<Record<string, string>> = {
  'services/campaign/src/index.ts': "export { decide } from './domain/claim.js';",
  'services/campaign/src/domain/claim.ts': "import { ok } from '@tsunagu/kernel'; export const decide = ok;",
  'services/campaign/src/domain/claim.unit.spec.ts':
    "import fc from 'kafkajs-like'; import './claim.js'; export default fc;",
  'services/campaign/src/domain/reads-file.ts':
    "import { readFileSync } from 'node:fs'; export const a = readFileSync;",
  'services/campaign/src/domain/asks-database.ts': "import type { Pool } from 'pg'; export type A = Pool;",
  'services/campaign/src/domain/draws-lots.ts':
    "import { randomBytes } from 'node:crypto'; export const a = randomBytes;",
  'services/campaign/src/domain/calls-controller.ts': "import { a } from '../http/claims.js'; export const b = a;",
  'services/campaign/src/http/claims.ts': 'export const a = 1;',
  'services/campaign/src/http/peeks.ts': "import { grant } from '@tsunagu/point-ledger'; export const a = grant;",
  'services/campaign/src/http/simulates.ts': "import { card } from '@tsunagu/testing'; export const a = card;",
  'services/campaign/src/http/claims.int.spec.ts': "import { card } from '@tsunagu/testing'; export const a = card;",
  'services/campaign/src/http/polls.ts': "import { Kafka } from 'kafkajs'; export const a = Kafka;",
  'services/campaign/src/http/lost.ts': "import { a } from './nowhere.js'; export const b = a;",
  'services/campaign/src/http/turns-a.ts': "import { b } from './turns-b.js'; export const a = () => b;",
  'services/campaign/src/http/turns-b.ts': "import { a } from './turns-a.js'; export const b = () => a;",
  'services/point-ledger/src/index.ts': 'export const grant = 1;',
  'services/platform/src/index.ts':
    "import { grant } from '@tsunagu/point-ledger'; import { card } from '@tsunagu/testing'; export const a = [grant, card];",
  'libs/kernel/src/index.ts': "import { createHash } from 'node:crypto'; export const ok = createHash;",
  'libs/kernel/src/reads-file.ts': "import { readFileSync } from 'node:fs'; export const a = readFileSync;",
  'libs/testing/src/index.ts': 'export const card = 1;',
  'libs/event-feed/src/index.ts': "import { grant } from '@tsunagu/point-ledger'; export const a = grant;",
  'libs/event-feed/src/kafka/kafkajs.ts': "import { Kafka } from 'kafkajs'; export const a = Kafka;",
};
const expected = [
  'cycle services/campaign/src/http/turns-a.ts',
  'domain-is-pure services/campaign/src/domain/asks-database.ts',
  'domain-is-pure services/campaign/src/domain/calls-controller.ts',
  'domain-is-pure services/campaign/src/domain/draws-lots.ts',
  'domain-is-pure services/campaign/src/domain/reads-file.ts',
  'kafka-client-in-one-file services/campaign/src/http/polls.ts',
  'kernel-stands-alone libs/kernel/src/reads-file.ts',
  'library-imports-service libs/event-feed/src/index.ts',
  'service-imports-service services/campaign/src/http/peeks.ts',
  'testing-stays-in-tests services/campaign/src/http/simulates.ts',
  'unresolvable services/campaign/src/http/lost.ts',
];

describe('rules of the layout', () => {
  let tree: string;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'tsunagu-layout-'));
    write('tsconfig.json', '{ "compilerOptions": { "module": "nodenext" } }');
    write('package.json', '{ "type": "module" }');
    for (const name of ['pg', 'kafkajs', 'kafkajs-like']) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
      write(`node_modules/${name}/index.js`, '');
    }
    for (const [path, text] of Object.entries(files)) write(path, text);
    for (const folder of [
      'services/campaign',
      'services/point-ledger',
      'services/platform',
      'libs/kernel',
      'libs/testing',
      'libs/event-feed',
    ]) {
      const name = `@tsunagu/${folder.split('/')[1]}`;
      write(`${folder}/package.json`, JSON.stringify({ name, type: 'module', exports: { '.': './src/index.ts' } }));
      mkdirSync(join(tree, 'node_modules/@tsunagu'), { recursive: true });
      symlinkSync(join(tree, folder), join(tree, 'node_modules', name));
    }
  });

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test('each fires where it is broken, and nowhere else', () => {
    const config = join(root, '.dependency-cruiser.mjs');
    const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
    const done = spawnSync(
      process.execPath,
      [program, '--config', config, '--output-type', 'json', 'libs', 'services'],
      {
        cwd: tree,
        encoding: 'utf8',
      },
    );
    const { summary } = JSON.parse(done.stdout) as {
      summary: { violations: readonly { from: string; rule: { name: string } }[]; error: number };
    };
    expect(summary.violations.map(({ from, rule }) => `${rule.name} ${from}`).sort()).toEqual(expected);
    expect(summary.error).toBe(expected.length);
  });
});
