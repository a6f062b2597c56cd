import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** Runs the installer in a tree of its own, with a small program in npm's place that notes how it was called. */
describe('npm start and npm test install what they need', () => {
  let tree: string;
  const path = (name: string) => join(tree, name);
  const calls = () => (existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trim().split('\n') : []);
  const run = (callersNode: string, fails = false) =>
    spawnSync(process.execPath, [path('tools/install.mjs')], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        npm_execpath: path('npm-cli.js'),
        npm_node_execpath: process.execPath,
        npm_config_user_agent: `npm/11.0.0 node/v${callersNode} linux x64 workspaces/false`,
        ...(fails ? { NPM_FAILS: '1' } : {}),
      },
    });

  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'tsunagu-install-'));
    for (const folder of ['tools', 'libs/a', 'services']) mkdirSync(path(folder), { recursive: true });
    cpSync(join(root, 'tools/install.mjs'), path('tools/install.mjs'));
    writeFileSync(path('package.json'), '{ "name": "tree" }');
    writeFileSync(path('libs/a/package.json'), '{ "name": "a" }');
    writeFileSync(path('package-lock.json'), '{ "packages": { "node_modules/node": { "version": "24.0.0" } } }');
    writeFileSync(
      path('npm-cli.js'),
      `const fs = require('node:fs');
      fs.appendFileSync(${JSON.stringify(path('calls'))}, process.argv.slice(2).join(' ') + '\\n');
      if (process.env.NPM_FAILS) { console.error('npm error disk full'); process.exit(7); }
      fs.mkdirSync('node_modules/node/bin', { recursive: true });
      fs.mkdirSync('node_modules/.bin', { recursive: true });
      fs.writeFileSync('node_modules/node/bin/node', '');
      if (!fs.existsSync('node_modules/.bin/node')) fs.symlinkSync('../node/bin/node', 'node_modules/.bin/node');`,
    );
  });
  afterEach(() => rmSync(tree, { recursive: true }));

  test('the first time, and again only when the lock or the packages change', () => {
    expect(run('20.20.2').status).toBe(0);
    expect(run('20.20.2').status).toBe(0);
    expect(calls()).toEqual(['ci --include=dev --no-audit --no-fund --loglevel=error']);
    writeFileSync(path('libs/a/package.json'), '{ "name": "a", "dependencies": { "b": "1.0.0" } }');
    run('20.20.2');
    expect(calls()).toHaveLength(2);
    writeFileSync(path('package-lock.json'), '{ "packages": { "node_modules/node": { "version": "24.0.1" } } }');
    run('20.20.2');
    expect(calls()).toHaveLength(3);
  });

  test('takes a tree that npm install has brought to the lock as it is', () => {
    run('20.20.2');
    const lock =
      '{ "packages": { "node_modules/node": { "version": "24.0.1" }, "node_modules/c": { "optional": true } } }';
    writeFileSync(path('package-lock.json'), lock);
    writeFileSync(
      path('node_modules/.package-lock.json'),
      '{ "packages": { "node_modules/node": { "version": "24.0.1" } } }',
    );
    expect(run('20.20.2').status).toBe(0);
    expect(calls()).toHaveLength(1);
  });

  test('uses the pinned Node for an older one, and leaves a newer one alone', () => {
    run('20.20.2');
    expect(existsSync(path('node_modules/.bin/node'))).toBe(true);
    run('26.1.0');
    expect(existsSync(path('node_modules/.bin/node'))).toBe(false);
    run('22.0.0');
    expect(existsSync(path('node_modules/.bin/node'))).toBe(true);
  });

  test('says in one sentence what failed, with what npm said, and leaves nothing that counts as installed', () => {
    const failed = run('20.20.2', true);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('tsunagu: the packages could not be installed: npm ci ended with 7');
    expect(failed.stderr).toContain('npm error disk full');
    expect(run('20.20.2').status).toBe(0);
    expect(calls()).toHaveLength(2);
  });

  test('takes over the lock of an install that was killed', () => {
    mkdirSync(path('.cache'));
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(path('.cache/install.lock'), String(gone));
    expect(run('20.20.2').status).toBe(0);
    expect(calls()).toHaveLength(1);
    expect(existsSync(path('.cache/install.lock'))).toBe(false);
  });
});
