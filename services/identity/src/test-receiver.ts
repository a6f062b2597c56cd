import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedDelivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A member service's own side, for specs: remembers every request, and answers as the spec says. */
export interface TestReceiver {
  readonly url: string;
  readonly received: ReceivedDelivery[];
  /** Status of the next answers, or a hold until the caller gives up. */
  answer: number | 'never' | (() => Promise<number>);
  close(): Promise<void>;
}

export async function startTestReceiver(port = 0): Promise<TestReceiver> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    receiver.received.push({ path: request.url ?? '', headers: request.headers, body });
    const { answer } = receiver;
    if (answer === 'never') return;
    const status = typeof answer === 'number' ? answer : await answer();
    response.writeHead(status, status === 302 ? { location: `${receiver.url}/elsewhere` } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const receiver: TestReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: 204,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}
