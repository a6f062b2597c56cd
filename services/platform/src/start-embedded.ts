import { publishedEvents, type ServiceName, topics } from '@tsunagu/contracts';
import { type Feed, LogFeed, type LogFeedParts } from '@tsunagu/event-feed';
import type { EventLog } from '@tsunagu/event-store';
import {
  createLogger,
  createService,
  currentKey,
  HttpQuestions,
  type OpenedLogs,
  openLogs,
  servicePool,
  serviceRegistry,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import { startedLines } from './announcement.js';
import { developmentLogin } from './development-login.js';
import { openFronts } from './fronts.js';
import { startOutsideWorld } from './outside-world.js';
import { prepareData } from './prepare-data.js';
import { definitions } from './services.js';
import { registerSimPay } from './sim-pay.js';
import type { Started, StartRequest } from './start.js';
import { TreeThread } from './tree-thread.js';

const POOL_CONNECTIONS_MAX = 12;
const READY_WITHIN_MS = 30_000;

/** Opens the feed of one service, which is closed with the platform. */
export type OpenFeed = (name: ServiceName, parts: LogFeedParts) => Feed;

/** All services in this process behind one port, hearing each other through their logs unless a suite opens other feeds. */
export async function startEmbedded(
  request: StartRequest,
  openFeed: OpenFeed = (_name, parts) => new LogFeed(parts),
): Promise<Started> {
  const { settings, directory, closers } = request;
  const fronts = await openFronts(settings, closers);
  const data = await prepareData(request);
  const { databases, clock, server } = data;
  const { internalUrl } = fronts;
  const jwksUrl = `${internalUrl}/.well-known/jwks.json`;
  const world = await startOutsideWorld({ ...request, databases, clock, internalUrl, jwksUrl });
  fronts.addHandlers(world);
  const staffLogin = developmentLogin(settings, fronts.url);
  fronts.addHandlers({ publicHandlers: staffLogin.handlers, internalHandlers: new Map() });

  const stores = new Map<string, { pool: Pool; opened: OpenedLogs; urls: readonly string[] }>();
  const trees = new TreeThread(clock);
  closers.add('the thread of the trees', () => trees.close());
  for (const definition of definitions) {
    const { name, schema } = definition;
    const url = databases.services.get(name) ?? '';
    const pool = servicePool({ url, schema, connectionsMax: POOL_CONNECTIONS_MAX });
    closers.add(`the connections of ${name}`, () => pool.end());
    const furtherLogs = definition.placeOf ? databases.ledgerLogs.map(({ service }) => service) : [];
    const opened = await openLogs({ definition, database: pool, furtherLogs, clock, logger: createLogger(name) });
    closers.add(`the log of ${name}`, () => opened.close());
    stores.set(name, { pool, opened, urls: [url, ...furtherLogs] });
  }
  const sources = new Map<string, readonly EventLog[]>();
  for (const topic of Object.values(topics)) {
    const producer = publishedEvents.find((event) => event.topic === topic)?.producer ?? '';
    const store = stores.get(producer);
    if (store) sources.set(topic, store.opened.logs);
  }

  const serviceUrls = Object.fromEntries(definitions.map(({ name }) => [name, internalUrl]));
  for (const definition of definitions) {
    const { name } = definition;
    const store = stores.get(name);
    if (!store) throw new Error(`${name} has no store`);
    const logger = createLogger(name);
    const key = currentKey(directory.keys, `service-${name}`, 'RS256');
    const questions = new HttpQuestions({ name, key, clock, services: serviceUrls });
    closers.add(`the questions of ${name}`, () => questions.close());
    const registry = serviceRegistry(name);
    const feed = openFeed(name, { sources, positions: store.pool, logger, registry });
    closers.add(`the feed of ${name}`, () => feed.close());
    const service = await createService(
      definition,
      {
        profile: settings.profile,
        clock,
        database: store.pool,
        log: store.opened.log,
        logs: store.opened.logs,
        logReasons: store.opened.logReasons,
        feed,
        questions,
        keyDirectory: directory.keys,
        jwksUrl,
        logger,
        registry,
        treeKeeping: (options) => trees.keeping(options, store.urls[options.rows.log] ?? ''),
      },
      { env: { ...process.env, ...world.environment, ...staffLogin.environment }, docs: true },
    );
    closers.add(name, () => service.close());
    fronts.add({
      name,
      segments: service.segments,
      handle: (incoming, response) => service.handle(incoming, response),
      ready: () => service.ready(),
      metrics: () => service.metrics(),
      openApi: async () => service.openApi,
    });
  }
  directory.keepLedgerLogs(settings.ledgerLogs ?? directory.ledgerLogs());
  if (settings.profile === 'test') await registerSimPay(request, data);
  await fronts.ready(READY_WITHIN_MS);
  fronts.complete();
  directory.announce({ topology: 'embedded', url: fronts.url, internalUrl, postgresUrl: server.url, serviceUrls });
  return {
    lines: startedLines(settings, fronts.url, server, [
      `Five services in one process; PostgreSQL on port ${server.port}.`,
      ...staffLogin.lines,
    ]),
    failed: server.ended.catch(({ message }: Error) => `${message} The platform stops; start it again with npm start.`),
  };
}
