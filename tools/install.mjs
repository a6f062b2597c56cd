// What `npm start` and `npm test` run first: installs the packages when the lock file is not the one installed.
// Built-ins only and plain enough for Node 20, because npm starts it with the machine's own Node.
// npm puts node_modules/.bin in front of PATH before it exists, so after the install the script that follows finds
// the pinned Node there. A machine whose own Node is new enough keeps using that: the link to the pinned one is taken away.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.tsunagu-install');
const pinnedNode = join(modules, 'node', 'bin', 'node');
const nodeLink = join(modules, '.bin', 'node');
const nodeMajorMin = 24;
const lockWaitMs = 300_000;

try {
  const wanted = fingerprint();
  if (!isInstalled(wanted)) withInstallLock(() => isInstalled(wanted) || install(wanted));
  chooseNode();
} catch (error) {
  console.error(`tsunagu: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

/** SHA-256 of the lock file and of what every package.json says about packages. */
function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  const folders = ['libs', 'services'].flatMap((parent) =>
    readdirSync(join(root, parent))
      .sort()
      .map((name) => join(root, parent, name)),
  );
  for (const folder of [root, ...folders]) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const { name, dependencies, devDependencies, optionalDependencies, bin, allowScripts } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    hash.update(JSON.stringify([name, dependencies, devDependencies, optionalDependencies, bin, allowScripts]));
  }
  return hash.digest('hex');
}

function isInstalled(wanted) {
  if (!existsSync(pinnedNode)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true;
  if (!sameAsLock()) return false;
  writeFileSync(stamp, wanted);
  return true;
}

/** Whether npm's own record of what is installed agrees with the lock: then someone ran `npm install`, and nothing is to be done. */
function sameAsLock() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(([location, entry]) => {
    if (!location.startsWith('node_modules/')) return true;
    const found = present[location];
    if (!found) return entry.optional === true;
    return found.version === entry.version && Boolean(found.link) === Boolean(entry.link);
  });
}

function install(wanted) {
  console.error('tsunagu: installing packages (about half a minute the first time)');
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js')
    ? [process.env.npm_node_execpath ?? process.execPath, [cli]]
    : ['npm', []];
  const done = spawnSync(command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // A package of the API pages reports its installation to its maker unless told not to.
    env: { ...process.env, SCARF_ANALYTICS: 'false' },
  });
  if (done.error) throw new Error(`npm could not be started (${done.error.message}); is it installed?`);
  if (done.status !== 0) {
    const lines = `${done.stdout}\n${done.stderr}`.trim().split('\n').slice(-20).join('\n');
    throw new Error(
      `the packages could not be installed: npm ci ended with ${done.status ?? done.signal}. It said:\n${lines}`,
    );
  }
  if (!existsSync(pinnedNode)) {
    throw new Error(
      'the pinned Node was not installed: npm must be allowed to run the install script of the package "node"',
    );
  }
  writeFileSync(stamp, wanted);
}

/** One install at a time: a second start waits for the first. A lock whose holder is gone is taken over. */
function withInstallLock(work) {
  const lock = join(root, '.cache', 'install.lock');
  mkdirSync(join(root, '.cache'), { recursive: true });
  const deadline = Date.now() + lockWaitMs;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!holderIsAlive(lock)) rmSync(lock, { force: true });
      else if (Date.now() > deadline) throw new Error(`another install has been running for five minutes (${lock})`);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function holderIsAlive(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // An empty file is a holder that has just made it.
    if (!pid) return Date.now() - statSync(lock).mtimeMs < 1000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The machine's own Node as npm was started with it, else this one. */
function callersMajor() {
  const said = /\bnode\/v(\d+)/.exec(process.env.npm_config_user_agent ?? '')?.[1];
  return Number(said ?? process.versions.node.split('.')[0]);
}

function chooseNode() {
  if (callersMajor() >= nodeMajorMin) rmSync(nodeLink, { force: true });
  else if (!existsSync(nodeLink)) {
    rmSync(nodeLink, { force: true });
    symlinkSync('../node/bin/node', nodeLink);
  }
}
