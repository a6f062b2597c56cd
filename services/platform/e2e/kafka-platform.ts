import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { kafkaHindrance } from '../../../infra/kafka-local/kafka-local.mjs';
import { root } from '../src/settings.js';

/** Patient: a broker and six Node processes start on what the machine has left. */
export const startLimitMs = 180_000;
const untilLimitMs = 60_000;

/**
 * A suite that needs a broker. Where the machine cannot run one, one line says why and the suite is left out; where it is
 * required (CI, TSUNAGU_REQUIRE_KAFKA) it runs and fails instead.
 */
export async function describeWithKafka(name: string, suite: () => void): Promise<void> {
  const required = Boolean(process.env.CI || process.env.TSUNAGU_REQUIRE_KAFKA);
  const leftOut = required ? undefined : await kafkaHindrance();
  if (leftOut === undefined) return describe(name, suite);
  process.stderr.write(`${name}: left out: ${leftOut}\n`);
  it.skip(`${name}: left out: ${leftOut}`, () => undefined);
}

export interface PlatformPart {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Working directory, where it can be read. */
  readonly directory: string;
}

/** Every running process that was started with the data directory in its command line or its environment. */
export function partsOf(dataDirectory: string): PlatformPart[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const argv = read(`/proc/${pid}/cmdline`);
      const isPart = argv.includes(dataDirectory) || read(`/proc/${pid}/environ`).includes(dataDirectory);
      return isPart
        ? [{ pid: Number(pid), argv: argv.split('\0').slice(0, -1), directory: link(`/proc/${pid}/cwd`) }]
        : [];
    });
}

/** The processes that run a service's `main.ts`, by the service's name. */
export function servicesOf(dataDirectory: string): Map<string, PlatformPart> {
  const services = new Map<string, PlatformPart>();
  for (const part of partsOf(dataDirectory)) {
    const name = /^services\/([^/]+)\/src\/main\.ts$/.exec(part.argv.at(-1) ?? '')?.[1];
    if (name !== undefined) services.set(name, part);
  }
  return services;
}

/** The broker and the PostgreSQL servers of a data directory, without the processes that PostgreSQL starts itself. */
export function serversOf(dataDirectory: string): { brokers: number[]; databases: number[] } {
  const parts = partsOf(dataDirectory);
  return {
    brokers: parts.filter(({ argv }) => argv.includes('kafka.Kafka')).map(({ pid }) => pid),
    databases: parts
      .filter(({ argv }) => /\/postgres$/.test(argv[0] ?? '') && argv.includes('-D'))
      .map(({ pid }) => pid),
  };
}

/** What each service's container runs: the image's entrypoint, then the command of the compose file. */
export function containerCommands(): Map<string, readonly string[]> {
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1];
  if (entrypoint === undefined) throw new Error('the Dockerfile has no ENTRYPOINT in exec form');
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const services = compose.matchAll(/^ {2}([\w-]+):\n {4}<<: \*service\n(?: {4}.*\n)*? {4}command: \[(.*)\]$/gm);
  return new Map(
    [...services].map(([, name = '', command = '']) => [
      name,
      [...(JSON.parse(entrypoint) as string[]), ...command.split(',').map((word) => word.trim())],
    ]),
  );
}

/** Waits until something holds, and fails with what was found last. */
export async function until<T>(find: () => T, holds: (found: T) => boolean): Promise<T> {
  const end = Date.now() + untilLimitMs;
  for (;;) {
    const found = find();
    if (holds(found)) return found;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(found)}`);
    await delay(50);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
