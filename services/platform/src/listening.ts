import { randomInt } from 'node:crypto';
import type { Server } from 'node:http';
import { type AddressInfo, createServer, Server as NetServer } from 'node:net';
import { UserError } from './settings.js';

const CLOSE_WAIT_MS = 700;
/**
 * Sockets that listen on one port. Node accepts one connection a listening socket in each turn of its event loop, so that with a
 * single one the first of a burst of new connections would wait for seconds while the requests of others are answered.
 */
const LISTENING_SOCKETS = 16;

/** Further sockets of a server that listens, closed with it. */
const further = new WeakMap<Server, readonly NetServer[]>();

/** Listens; a port in use or an address that is not this machine's is one sentence. Returns the port. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    // A socket of its own first: sockets that share a port would join another platform's without a word.
    const probe = createServer();
    const free = await bound(probe, { host, port });
    await new Promise((resolve) => probe.close(resolve));
    if (!(await bound(server, { host, port: free, reusePort: true }).catch(unsupported))) {
      return await bound(server, { host, port: free });
    }
    const more = Array.from({ length: LISTENING_SOCKETS - 1 }, () =>
      createServer((socket) => void server.emit('connection', socket)),
    );
    further.set(server, more);
    await Promise.all(more.map((each) => bound(each, { host, port: free, reusePort: true })));
    return free;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new UserError(`Port ${port} is in use: stop what listens there or choose another with PORT=…`);
    }
    throw new UserError(`Cannot listen on ${host}:${port}: ${(error as Error).message}`);
  }
}

function bound(server: NetServer, where: { host: string; port: number; reusePort?: boolean }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Not every system shares a port between sockets; one socket serves there. */
function unsupported(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'EADDRINUSE') throw error;
  return undefined;
}

/** Takes no new connections, gives running requests a moment to end, then cuts what is left. */
export async function stopListening(server: Server): Promise<void> {
  for (const each of further.get(server) ?? []) each.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
  await closed;
  clearTimeout(cut);
}

/** The system gives ports to connections, and to who asks for any, from here on (Linux; elsewhere from higher). */
const givenOutFrom = 32_768;
const freePortFrom = 20_000;
const freePortTries = 100;

/**
 * A port that nobody listens on, for somebody who will in some seconds. Below those that the system gives out by itself: one of them
 * could be a connection's by then.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < freePortTries; tried += 1) {
    const port = randomInt(freePortFrom, givenOutFrom);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port was found');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
