import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startKafka } from '../../../infra/kafka-local/kafka-local.mjs';
import { startedLines } from './announcement.js';
import { openFronts } from './fronts.js';
import { freePort } from './listening.js';
import { startOutsideWorld } from './outside-world.js';
import { prepareData } from './prepare-data.js';
import { proxiedBackend } from './proxied-backend.js';
import { definitions } from './services.js';
import { root, UserError } from './settings.js';
import { registerSimPay } from './sim-pay.js';
import type { Started, StartRequest } from './start.js';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 4_000;

/** Each service in a process of its own, started by the command its container runs, with Kafka between them and one port in front. */
export async function startWithKafka(request: StartRequest): Promise<Started> {
  const { settings, directory, closers } = request;
  const fronts = await openFronts(settings, closers);
  const [prepared, broker] = await Promise.allSettled([prepareData(request), startBroker(request)]);
  const [data, kafka] = [started(prepared), started(broker)];
  const { databases, server } = data;
  const ports = new Map<string, number>();
  for (const { name } of definitions) {
    let port = await freePort();
    while ([...ports.values()].includes(port)) port = await freePort();
    ports.set(name, port);
  }
  const serviceUrls = Object.fromEntries([...ports].map(([name, port]) => [name, `http://127.0.0.1:${port}`]));
  const { internalUrl } = fronts;
  const jwksUrl = `${serviceUrls.identity}/.well-known/jwks.json`;
  const world = await startOutsideWorld({ ...request, databases, clock: data.clock, internalUrl, jwksUrl });
  fronts.addHandlers(world);

  const addresses = Object.fromEntries(
    Object.entries(serviceUrls).map(([name, url]) => [`${name.toUpperCase().replaceAll('-', '_')}_URL`, url]),
  );
  const failures: Promise<string>[] = [
    server.ended.catch(
      ({ message }: Error) => `${message} The platform stops; start it again with npm run start:kafka.`,
    ),
  ];
  const children: ChildProcess[] = [];
  closers.add('the services', () => Promise.all(children.map(stopProcess)));
  for (const { name, segments } of definitions) {
    const child = spawnService(name, {
      ...process.env,
      ...world.environment,
      ...addresses,
      TSUNAGU_PROFILE: settings.profile,
      TSUNAGU_KEY_DIRECTORY: directory.keys,
      DATABASE_URL: databases.services.get(name),
      OWNER_DATABASE_URL: databases.owner,
      SETTINGS_DATABASE_URL: databases.services.get(name),
      KAFKA_BROKERS: kafka.broker,
      JWKS_URL: jwksUrl,
      LEDGER_LOGS: databases.ledgerLogs.map(({ service }) => service).join(' '),
      OWNER_LEDGER_LOGS: databases.ledgerLogs.map(({ owner }) => owner).join(' '),
      HOST: '127.0.0.1',
      PORT: String(ports.get(name)),
    });
    children.push(child);
    failures.push(ended(child).then(() => `${name} has ended by itself; the platform stops.`));
    fronts.add(proxiedBackend(name, segments, serviceUrls[name] ?? ''));
  }
  directory.keepLedgerLogs(settings.ledgerLogs ?? directory.ledgerLogs());
  const failed = Promise.race(failures);
  await Promise.race([fronts.ready(READY_WITHIN_MS), failed.then((reason) => Promise.reject(new UserError(reason)))]);
  if (settings.profile === 'test') await registerSimPay(request, data);
  fronts.complete();
  directory.announce({ topology: 'kafka', url: fronts.url, internalUrl, postgresUrl: server.url, serviceUrls });
  return {
    lines: startedLines(settings, fronts.url, server, [
      `Five services, each a process of its own; Apache Kafka at ${kafka.broker}; PostgreSQL on port ${server.port}.`,
      ...[...ports].map(([name, port]) => `  ${name.padEnd(20)} 127.0.0.1:${port}`),
    ]),
    failed,
  };
}

/** Both have ended by then, so that what started is known to the closers when the other failed. */
function started<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function startBroker({ directory, closers }: StartRequest) {
  const kafka = await startKafka({ directory: directory.kafka }).catch((error: Error) => {
    throw new UserError(error.message);
  });
  closers.add('Kafka', () => kafka.stop());
  return kafka;
}

/** The command of the container image, word for word apart from the working directory. */
export function spawnService(name: string, environment: NodeJS.ProcessEnv): ChildProcess {
  const main = join('services', name, 'src', 'main.ts');
  const options = ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning', '--import', './tools/hook.mjs'];
  return spawn(process.execPath, [...options, main], {
    cwd: root,
    env: environment,
    // The channel says nothing; its end tells a service that we were killed.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Not in the terminal's group: a Ctrl-C reaches the services once, through us.
    detached: true,
  });
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = ended(child);
  child.kill('SIGTERM');
  await Promise.race([end, delay(STOP_WITHIN_MS).then(() => child.kill('SIGKILL'))]);
}

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('exit', resolve));
}
