import { publishedEvents, type ServiceName } from '@tsunagu/contracts';
import { isOutage, KafkaFeed, type KafkaSettings, Relay } from '@tsunagu/event-feed';
import type { EventLog, LogSlice } from '@tsunagu/event-store';
import type { Pool } from 'pg';
import { type BootSettings, readBootSettings, withoutSecrets } from './boot-settings.js';
import { openClock, recordProfile, setClock } from './clock.js';
import { ConfigError, type Environment } from './config.js';
import { createService } from './create-service.js';
import { HttpQuestions } from './http-questions.js';
import { currentKey } from './keyring.js';
import { createLogger } from './logger.js';
import { serviceRegistry } from './metrics.js';
import { migrate, migrateLog, migratePlatform, servicePool } from './migrate.js';
import { openKurrentLog } from './open-log.js';
import { openLogs } from './open-logs.js';
import type { ServiceDefinition } from './parts.js';
import { type Questions, QuestionUnanswered } from './questions.js';

/** Requests at hand may take this long once a stop was asked for. */
const DRAIN_MS = 2_500;
/** The same signal again within this time is the same stop (a terminal and npm both pass on Ctrl-C). */
const SAME_SIGNAL_MS = 1_000;

/**
 * A service as a process of its own, on Kafka: what each `main.ts` calls. Settings come from the environment. A wrong
 * setting, a port in use or a database out of reach ends it with one sentence and exit code 1; SIGTERM and SIGINT stop it
 * after the requests at hand.
 */
export async function bootService(definition: ServiceDefinition): Promise<void> {
  try {
    await run(definition, process.env);
  } catch (error) {
    process.stderr.write(`${definition.name}: ${sentence(error)}\n`);
    process.exit(1);
  }
}

async function run(definition: ServiceDefinition, env: Environment): Promise<void> {
  const settings = readBootSettings(env);
  const { name } = definition;
  const logger = createLogger(name);
  logger.info({ settings: withoutSecrets(settings), own: withoutSecrets(definition.config(env)) }, 'starting');
  await migrate({ ownerUrl: settings.ownerDatabaseUrl, definition, serviceRole: roleIn(settings.databaseUrl) });
  const furtherLogs = definition.placeOf ? settings.furtherLogs : [];
  for (const [index, url] of furtherLogs.entries()) {
    const ownerUrl = settings.ownerFurtherLogs[index] ?? '';
    await migrateLog({ ownerUrl, definition, serviceRole: roleIn(url) });
  }

  const database = servicePool({
    url: settings.databaseUrl,
    schema: definition.schema,
    connectionsMax: settings.connectionsMax,
  });
  const platform = servicePool({ url: settings.settingsDatabaseUrl, schema: 'platform', connectionsMax: 2 });
  await prepareSettings(settings, platform, database);
  const clock = await openClock({ database: platform, profile: settings.profile });
  const { close: closeLogs, ...store } =
    settings.kurrentDbUrl === undefined
      ? await openLogs({ definition, database, furtherLogs, clock, logger })
      : await openKurrentLog(definition, { clock, url: settings.kurrentDbUrl });
  const registry = serviceRegistry(name);
  const key = currentKey(settings.keyDirectory, `service-${name}`, 'RS256');
  // The public half stands in the key set before anybody is asked.
  await key();
  const questions = new HttpQuestions({ name, key, clock, services: settings.services });
  const kafka: KafkaSettings = { brokers: settings.kafkaBrokers, clientId: `tsunagu-${name}` };
  const catchUp = (topic: string, after: number, limit: number, log: number) =>
    readProducer(questions, topic, { after, limit, log });
  const feed = new KafkaFeed({ kafka, positions: database, catchUp, logger, registry, clock });
  const relays = relaysOf(name, store.logs, { database, kafka, logger, registry });

  const service = await createService(
    definition,
    {
      profile: settings.profile,
      clock,
      database,
      ...store,
      feed,
      questions,
      keyDirectory: settings.keyDirectory,
      jwksUrl: settings.jwksUrl,
      logger,
      registry,
    },
    { env, docs: true },
  );
  for (const relay of relays) await relay.start();
  const url = await service.listen(settings.port, settings.host);
  logger.info({ url }, 'listening');

  onStop(async (signal) => {
    logger.info({ signal }, 'stopping');
    await service.close(DRAIN_MS);
    await Promise.all([feed.close(), ...relays.map((relay) => relay.close())]);
    questions.close();
    clock.close();
    await closeLogs();
    await Promise.all([database.end(), platform.end()]);
    logger.info('stopped');
  });
}

/** Profile and clock of the platform; where another program owns them, they are there already and only the profile is compared. */
async function prepareSettings(settings: BootSettings, platform: Pool, database: Pool): Promise<void> {
  const { settingsOwnerDatabaseUrl, settingsDatabaseUrl, profile, requestedClock } = settings;
  if (settingsOwnerDatabaseUrl) await migratePlatform(settingsOwnerDatabaseUrl, [roleIn(settingsDatabaseUrl)]);
  await recordProfile(platform, profile);
  if (!settingsOwnerDatabaseUrl) return;
  const { rows } = await database.query<{ at: Date | null }>('SELECT max(recorded_at) AS at FROM events');
  await setClock(platform, { profile, requested: requestedClock, lastRecordedAt: rows[0]?.at?.toISOString() });
}

/** One relay a log. */
function relaysOf(
  name: ServiceName,
  logs: readonly EventLog[],
  parts: Omit<ConstructorParameters<typeof Relay>[0], 'topic' | 'log'>,
): readonly Relay[] {
  const topic = publishedEvents.find((event) => event.producer === name)?.topic;
  return topic === undefined ? [] : logs.map((log) => new Relay({ ...parts, topic, log }));
}

/** A producer's log over its internal questions: what Kafka did not bring is read from the record. */
async function readProducer(
  questions: Questions,
  topic: string,
  { after, limit, log }: { after: number; limit: number; log: number },
): Promise<LogSlice> {
  const producer = publishedEvents.find((event) => event.topic === topic)?.producer;
  if (!producer) throw new Error(`${topic} has no producer`);
  const path = `log?after=${after}&limit=${limit}&log=${log}`;
  const slice = await questions.ask<LogSlice>(producer, path, undefined, { timeoutMs: 10_000 });
  if (!slice) throw new QuestionUnanswered(producer, `${producer} has no log ${log}`);
  return slice;
}

function onStop(stop: (signal: string) => Promise<void>): void {
  let stoppingSince: number | undefined;
  const heard = (signal: string) => {
    if (stoppingSince === undefined) {
      stoppingSince = performance.now();
      stop(signal).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    } else if (performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
  };
  process.on('SIGTERM', heard);
  process.on('SIGINT', heard);
  // Only where a parent opened a channel: it is gone, so nobody else would stop this process.
  process.on('disconnect', () => heard('disconnect'));
}

function roleIn(databaseUrl: string): string {
  const role = decodeURIComponent(new URL(databaseUrl).username);
  if (role === '') throw new ConfigError('DATABASE_URL and SETTINGS_DATABASE_URL must name the role to log in as.');
  return role;
}

function sentence(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return 'it could not start.';
  const { code, address, port } = error as { code?: string; address?: string; port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use by another program.`;
  if (code === '28P01') return 'the database refused the password.';
  if (isOutage(error))
    return `${address ? `${address}:${port}` : 'the database'} cannot be reached (${code ?? error.name}).`;
  return error.stack ?? error.message;
}
