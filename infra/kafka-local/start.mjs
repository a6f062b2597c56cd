// node infra/kafka-local/start.mjs [--port N] [--directory D]: runs a broker until Ctrl-C or SIGTERM, prints its address.
// node infra/kafka-local/start.mjs --stop [--directory D]: stops the one that runs there.
import { parseArgs } from 'node:util';
import { startKafka, stopKafka } from './kafka-local.mjs';

try {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      directory: { type: 'string', default: '.tsunagu/kafka' },
      stop: { type: 'boolean', default: false },
    },
  });
  if (values.stop) {
    const stopped = await stopKafka(values.directory);
    console.log(stopped ? 'stopped' : 'no broker was running');
  } else {
    const kafka = await startKafka({ directory: values.directory, port: portOf(values.port) });
    console.log(kafka.broker);
    const end = () => kafka.stop().then(() => process.exit(0));
    process.once('SIGINT', end).once('SIGTERM', end);
    // Keeps the process until a signal comes.
    setInterval(() => undefined, 2 ** 30);
  }
} catch (error) {
  console.error(`kafka-local: ${error.message}`);
  process.exit(1);
}

function portOf(text) {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`not a port: ${text}`);
  return port;
}
