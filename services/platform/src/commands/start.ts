import { Closers } from '../closers.js';
import type { Command } from '../command.js';
import { DataDirectory } from '../data-directory.js';
import { startEmbedded } from '../start-embedded.js';
import { startWithKafka } from '../start-with-kafka.js';

const SAME_SIGNAL_MS = 1_000;

export const start: Command = {
  help: `Usage: npm start            all services in one process, PostgreSQL embedded
       npm run start:kafka  each service a process of its own, Apache Kafka between them (needs a JDK and Maven)

Settings (environment): PORT (8080), HOST (127.0.0.1), TSUNAGU_PROFILE (test), TSUNAGU_DATA (.tsunagu),
TSUNAGU_CLOCK (an instant that the test clock is to show), LEDGER_LOGS (1, or as the data were left), LOG_LEVEL (warn). Stop with Ctrl-C.`,
  options: { kafka: { type: 'boolean' } },
  async run({ values, settings }) {
    const startedAt = performance.now();
    // A terminal is no place for a line a request; LOG_LEVEL=info gives them.
    process.env.LOG_LEVEL ??= 'warn';
    const directory = new DataDirectory(settings.dataDirectory);
    directory.create();
    const stopAsked = whenStopAsked();
    await directory.lock();
    const closers = new Closers();
    closers.add('the data directory', () => directory.unlock());
    try {
      const starting = (values.kafka ? startWithKafka : startEmbedded)({ settings, directory, closers });
      // A signal while starting stops what is up by then; the rest of the start fails and is not an error any more.
      const started = await Promise.race([starting, stopAsked]);
      if (started === undefined) {
        starting.catch(() => undefined);
        await Promise.race([starting.catch(() => undefined), waitAtMost(10_000)]);
        return 0;
      }
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      for (const line of started.lines) console.log(line);
      console.log(`\nReady after ${seconds} s. Next: npx tsunagu demo   (in another terminal)`);
      const ending = await Promise.race([stopAsked, started.failed]);
      if (ending !== undefined) console.error(ending);
      return ending === undefined ? 0 : 1;
    } finally {
      directory.markStopping();
      await closers.closeAll();
    }
  },
};

/** Resolves at the first SIGINT or SIGTERM. npm passes a Ctrl-C on a second time: within a second that is the same one; later it ends the process at once. */
function whenStopAsked(): Promise<undefined> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = () => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        resolve(undefined);
      } else if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(130);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function waitAtMost(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
