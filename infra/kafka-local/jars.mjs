// Where the Java program and the Kafka jars come from: the JDK of the machine, and Maven Central, once.
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const pom = fileURLToPath(new URL('pom.xml', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/kafka', import.meta.url));
/** Kafka 4 brokers need it. */
const javaMajorMin = 17;
const downloadTimeoutMs = 300_000;

/** This machine cannot run Kafka; the message is one sentence that says what is missing. */
export class KafkaUnavailable extends Error {
  constructor(message) {
    super(message);
    this.name = 'KafkaUnavailable';
  }
}

/**
 * What keeps this machine from running Kafka, in one sentence; undefined when nothing does.
 * @returns {Promise<string | undefined>}
 */
export async function kafkaHindrance() {
  const java = await javaMajor();
  if (java === undefined) return 'Kafka needs a Java runtime (JDK 17 or later), and no java was found';
  if (java < javaMajorMin) return `Kafka needs Java ${javaMajorMin} or later, and the java found is ${java}`;
  if (existsSync(await jarDirectory())) return undefined;
  const maven = await run('mvn', ['-v']).catch(() => undefined);
  return maven ? undefined : 'Kafka is fetched by Maven, and no mvn was found';
}

/** The java program: JAVA_HOME's, else the one on PATH. */
export function javaProgram() {
  const home = process.env.JAVA_HOME;
  return home && existsSync(join(home, 'bin', 'java')) ? join(home, 'bin', 'java') : 'java';
}

/**
 * The directory of Kafka's jars; fetches them when they are not there yet (43 MB).
 * @returns {Promise<string>}
 */
export async function kafkaJars() {
  const hindrance = await kafkaHindrance();
  if (hindrance) throw new KafkaUnavailable(hindrance);
  const directory = await jarDirectory();
  if (existsSync(directory)) return directory;
  const unfinished = join(cache, `unfinished-${randomUUID()}`);
  await mkdir(unfinished, { recursive: true });
  try {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    await run('mvn', ['-B', '-q', '-f', pom, ...goal], { timeout: downloadTimeoutMs });
    // Whoever else fetched them in the meantime has the same jars.
    await rename(unfinished, directory).catch((error) => {
      if (!existsSync(directory)) throw error;
    });
  } catch (error) {
    const lines = String(error.stdout || error.message)
      .trim()
      .split('\n')
      .slice(0, 3)
      .join(' ');
    throw new KafkaUnavailable(`Maven could not fetch Kafka: ${lines}`);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return directory;
}

/** Named after the list of jars, so that a changed list is fetched anew. */
async function jarDirectory() {
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex');
  return join(cache, `jars-${hash.slice(0, 12)}`);
}

async function javaMajor() {
  const said = await run(javaProgram(), ['-version']).catch(() => undefined);
  const version = /version "(\d+)/.exec(said?.stderr ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
}
