import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { kafkaHindrance, startKafka, stopKafka } from '../infra/kafka-local/kafka-local.mjs';

const hindrance = await kafkaHindrance();
const required = Boolean(process.env.CI || process.env.TSUNAGU_REQUIRE_KAFKA);
if (hindrance && !required) console.warn(`left out, the local Kafka broker: ${hindrance}`);

function listens(broker: string): Promise<boolean> {
  const [host, port] = broker.split(':');
  return new Promise((done) => {
    const socket = connect(Number(port), host);
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

(hindrance && !required ? describe.skip : describe)('a local Kafka broker', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsunagu-kafka-'));
  });
  afterAll(async () => {
    await stopKafka(directory);
    rmSync(directory, { recursive: true });
  });
  const clusterId = () => /cluster\.id=(.+)/.exec(readFileSync(join(directory, 'data/meta.properties'), 'utf8'))?.[1];

  test('starts, stops, and finds its data again', async () => {
    const first = await startKafka({ directory });
    expect(await listens(first.broker)).toBe(true);
    const cluster = clusterId();
    await first.stop();
    expect(await listens(first.broker)).toBe(false);

    const second = await startKafka({ directory });
    expect(clusterId()).toBe(cluster);
    await expect(
      startKafka({ directory: `${directory}-other`, port: Number(second.broker.split(':')[1]) }),
    ).rejects.toThrow(/port \d+ is in use/);
    rmSync(`${directory}-other`, { recursive: true });
    await second.stop();
    expect(await stopKafka(directory)).toBe(false);
  }, 120_000);

  test('stops a broker whose owner was killed, by its command', async () => {
    const program = resolve(import.meta.dirname, '../infra/kafka-local/start.mjs');
    const owner = spawn(process.execPath, [program, '--directory', directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const broker = await new Promise<string>((done) => owner.stdout.once('data', (data) => done(String(data).trim())));
    owner.kill('SIGKILL');
    expect(await listens(broker)).toBe(true);
    expect(await stopKafka(directory)).toBe(true);
    expect(await listens(broker)).toBe(false);
  }, 120_000);
});
