import { createServer, type Server } from 'node:http';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { freePort, listen, stopListening } from './listening.js';
import { UserError } from './settings.js';

const CONNECTIONS = 320;
/** Sixteen sockets take sixteen connections a turn where the kernel spreads them evenly; a third of that is asked for. */
const TURNS_MAX = CONNECTIONS / 5;

let server: Server;
beforeEach(() => {
  server = createServer((_, response) => response.end('here'));
});
afterEach(() => stopListening(server));

it('takes a burst of connections within few turns of a busy event loop', async () => {
  const port = await listen(server, '127.0.0.1', 0);
  let accepted = 0;
  server.on('connection', () => {
    accepted += 1;
  });
  const sockets: Socket[] = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1').on('error', () => {}));
  let turns = 0;
  await new Promise<void>((resolve) => {
    const turn = () => {
      turns += 1;
      const until = performance.now() + 5;
      while (performance.now() < until);
      if (accepted < CONNECTIONS && turns < CONNECTIONS * 2) setImmediate(turn);
      else resolve();
    };
    turn();
  });
  for (const socket of sockets) socket.destroy();
  expect(accepted).toBe(CONNECTIONS);
  if (process.platform === 'linux') expect(turns).toBeLessThan(TURNS_MAX);
});

it('answers on every one of its sockets, and on none once it has stopped', async () => {
  const port = await listen(server, '127.0.0.1', 0);
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text(),
    ),
  );
  expect(new Set(answers)).toEqual(new Set(['here']));
  await stopListening(server);
  for (let attempt = 0; attempt < 50; attempt += 1) await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

it('says in one sentence that a port is in use, also by another one that listens as it does', async () => {
  const port = await freePort();
  const plain = createNetServer();
  await new Promise<void>((resolve) => plain.listen(port, '127.0.0.1', resolve));
  await expect(listen(server, '127.0.0.1', port)).rejects.toThrow(
    new UserError(`Port ${port} is in use: stop what listens there or choose another with PORT=…`),
  );
  await new Promise((resolve) => plain.close(resolve));
  const first = createServer();
  await listen(first, '127.0.0.1', port);
  await expect(listen(server, '127.0.0.1', port)).rejects.toThrow('is in use');
  await stopListening(first);
  expect(await listen(server, '127.0.0.1', port)).toBe(port);
});
