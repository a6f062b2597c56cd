// npm run mutate -- kernel|ledger|store|postgres [FILE …]: changes the code in many small ways, one at a time, and says which of them no spec notices.
// Works on a copy of the tree, so that nothing here is ever touched. The tools are this folder's own packages: nobody else needs them.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { scopes } from './scopes.mjs';

const here = import.meta.dirname;
const root = resolve(here, '../..');
const [name = '', ...files] = process.argv.slice(2);
const scope = scopes[name];
if (!scope) {
  console.error(`Usage: npm run mutate -- ${Object.keys(scopes).join('|')} [FILE …]`);
  process.exit(2);
}

if (!existsSync(join(here, 'node_modules'))) {
  const status = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], here);
  if (status !== 0) process.exit(status);
}
const workspaces = ['libs', 'services'].flatMap((parent) =>
  readdirSync(join(root, parent)).map((workspace) => join(parent, workspace)),
);
// Outside the project: jest would find each package twice.
const tree = mkdtempSync(join(tmpdir(), 'tsunagu-mutation-'));
copyTree();
const database = scope.database ? await startDatabase() : undefined;
try {
  const stryker = join(here, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  process.exitCode = run(process.execPath, [stryker, 'run', join(here, 'stryker.config.mjs')], tree, {
    TSUNAGU_MUTATION_SCOPE: name,
    TSUNAGU_MUTATION_FILES: files.join(','),
    TSUNAGU_MUTATION_TREE: tree,
    TSUNAGU_MUTATION_WORKERS: process.env.TSUNAGU_MUTATION_WORKERS ?? String(availableParallelism()),
    ...(database && { TSUNAGU_TEST_POSTGRES_URL: database.url }),
  });
} finally {
  await database?.stop();
  rmSync(tree, { recursive: true, force: true });
}

/** What git knows, and links to the packages; the workspaces' own packages are those of the copy. */
function copyTree() {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.stdout.toString().split('\0').filter(Boolean)) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file));
  }
  if (!scope.database) joinSpecs();
  for (const folder of ['', ...workspaces]) linkPackages(folder);
  for (const workspace of workspaces) {
    const { name: packageName } = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
    symlinkSync(join(tree, workspace), join(tree, 'node_modules', packageName));
  }
}

/** Jest takes longer to begin a file than a unit spec to run: all of them are one file. */
function joinSpecs() {
  const specs = scope.specs.flatMap((pattern) => globSync(pattern, { cwd: tree }));
  const imports = specs.map((spec) => `import './${spec.replace(/\.ts$/, '.js')}';`);
  writeFileSync(join(tree, 'every.spec.ts'), imports.join('\n'));
}

function linkPackages(folder) {
  const from = join(root, folder, 'node_modules');
  if (!existsSync(from)) return;
  const to = join(tree, folder, 'node_modules');
  mkdirSync(join(to, '@tsunagu'), { recursive: true });
  for (const entry of readdirSync(from)) if (entry !== '@tsunagu') symlinkSync(join(from, entry), join(to, entry));
}

async function startDatabase() {
  await import(join(root, 'libs/testing/jest/global-setup.mjs')).then((setup) => setup.default());
  const { default: stop } = await import(join(root, 'libs/testing/jest/global-teardown.mjs'));
  return { url: process.env.TSUNAGU_TEST_POSTGRES_URL, stop };
}

function run(command, args, cwd, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) throw error;
  return status ?? 1;
}
