// A real Apache Kafka on this machine without containers: one node, KRaft, broker and controller in one process.
// For tests and for `npm run start:kafka`. Loopback only, no authentication.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { javaProgram, kafkaJars } from './jars.mjs';
import { waitUntilReady } from './readiness.mjs';

export { KafkaUnavailable, kafkaHindrance } from './jars.mjs';

const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const heapMb = 512;

/**
 * Starts a broker and resolves when its group coordinator answers. Data left in `directory` is found again; a broker
 * that a killed owner left running on it is stopped first. Throws KafkaUnavailable where there is no Java or no Maven.
 * @param {{ directory: string, port?: number }} options  port: a free one where absent
 * @returns {Promise<{ broker: string, pid: number, stop: () => Promise<void> }>}
 */
export async function startKafka({ directory, port }) {
  const home = resolve(directory);
  const jars = join(await kafkaJars(), '*');
  await mkdir(home, { recursive: true });
  await stopKafka(home);
  const brokerPort = port ?? (await freePort());
  if (!(await isFree(brokerPort))) throw new Error(`port ${brokerPort} is in use`);
  const settings = join(home, 'server.properties');
  await writeFile(settings, serverProperties(join(home, 'data'), brokerPort, await freePort()));
  if (!existsSync(join(home, 'data', 'meta.properties'))) await format(jars, settings, home);

  const child = java(jars, 'kafka.Kafka', [settings], home, [`-Xmx${heapMb}m`, `-Xms${heapMb / 2}m`]);
  const ended = new Promise((done) => child.once('exit', done));
  await new Promise((done, failed) => child.once('spawn', done).once('error', failed));
  await writeFile(pidFile(home), String(child.pid));
  const stop = async () => {
    await end(child.pid, () => child.exitCode !== null || child.signalCode !== null);
    await ended;
    await rm(pidFile(home), { force: true });
  };
  try {
    await waitUntilReady(
      brokerPort,
      Date.now() + startTimeoutMs,
      () => child.exitCode === null && child.signalCode === null,
    );
  } catch (error) {
    await stop();
    throw new Error(`${error.message}; its log is ${logFile(home)}`);
  }
  return { broker: `127.0.0.1:${brokerPort}`, pid: child.pid, stop };
}

/**
 * Stops the broker that runs on a data directory, whoever started it. Resolves false when there was none.
 * @param {string} directory
 */
export async function stopKafka(directory) {
  const home = resolve(directory);
  if (!existsSync(pidFile(home))) return false;
  const pid = Number(await readFile(pidFile(home), 'utf8'));
  const running = pid > 1 && ownsDirectory(pid, home);
  if (running) await end(pid, () => !ownsDirectory(pid, home));
  await rm(pidFile(home), { force: true });
  return running;
}

/** Asks it to end, and kills it when it has not in time. */
async function end(pid, hasEnded) {
  signal(pid, 'SIGTERM');
  const deadline = Date.now() + stopTimeoutMs;
  while (!hasEnded()) {
    if (Date.now() > deadline) signal(pid, 'SIGKILL');
    await pause(25);
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Whether a process is a broker of this directory: a pid alone may have been given to another process since. */
function ownsDirectory(pid, home) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(home, 'server.properties'));
  } catch {
    return false;
  }
}

async function format(jars, settings, home) {
  const cluster = randomBytes(16).toString('base64url');
  // One argument with `=`: a random id that begins with a dash would be read as an option.
  const child = java(
    jars,
    'kafka.tools.StorageTool',
    ['format', `--cluster-id=${cluster}`, '--config', settings],
    home,
  );
  const code = await new Promise((done, failed) => child.once('exit', done).once('error', failed));
  if (code !== 0) throw new Error(`the Kafka data directory could not be made: see ${logFile(home)}`);
}

/** A group of its own, so that a Ctrl-C meant for the owner does not end it before its clients. */
function java(jars, main, args, home, options = []) {
  const log = openSync(logFile(home), 'a');
  const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dlog4j2.level=warn'];
  try {
    return spawn(javaProgram(), ['-XX:+UseSerialGC', ...options, ...quiet, '-cp', jars, main, ...args], {
      cwd: home,
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}

const pidFile = (home) => join(home, 'kafka.pid');
const logFile = (home) => join(home, 'kafka.log');

/** One node: every internal topic has one partition and one copy, and topics are made by those who know their partition count. */
function serverProperties(data, brokerPort, controllerPort) {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${brokerPort},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${brokerPort}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=6000
`;
}

async function freePort() {
  const server = createServer();
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function isFree(port) {
  const server = createServer();
  return new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
