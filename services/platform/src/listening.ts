import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { UserError } from './settings.js';

const CLOSE_WAIT_MS = 700;

/** Listens; a port in use or an address that is not this machine's is one sentence. Returns the port. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        return reject(new UserError(`Port ${port} is in use: stop what listens there or choose another with PORT=…`));
      }
      return reject(new UserError(`Cannot listen on ${host}:${port}: ${error.message}`));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Takes no new connections, gives running requests a moment to end, then cuts what is left. */
export async function stopListening(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
  await closed;
  clearTimeout(cut);
}

/** A loopback port that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
