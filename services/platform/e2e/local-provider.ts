import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiClient } from '../src/api-client.js';

export type ProviderHandler = (call: string, response: ServerResponse, request: IncomingMessage) => void;

/** A provider on loopback whose every answer a spec decides: `call` is the method and the path below `/tsunagu/v1`. */
export class LocalProvider {
  /** What it was asked, in order. */
  readonly calls: string[] = [];

  private constructor(
    private readonly server: Server,
    readonly providerId: string,
    public handler: ProviderHandler,
  ) {}

  static async listen(providerId: string, handler: ProviderHandler): Promise<LocalProvider> {
    const server = createServer((request, response) => {
      request.resume();
      const call = `${request.method} ${(request.url ?? '').replace('/tsunagu/v1', '')}`;
      provider.calls.push(call);
      provider.handler(call, response, request);
    });
    const provider = new LocalProvider(server, providerId, handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A spec that failed before its close must not keep the run alive.
    server.unref();
    return provider;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The contract that an operator's owner makes with it. */
  register(api: ApiClient, operator: string, terms: Record<string, unknown> = {}): Promise<unknown> {
    return api.expect(201, 'POST', '/exchange/v1/providers', { token: operator, body: { ...this.order(), ...terms } });
  }

  order() {
    return {
      providerId: this.providerId,
      name: 'Local provider',
      baseUrl: this.baseUrl,
      unitPoints: 1,
      minimumPoints: 1,
      bankAccount: {
        bankCode: '0001',
        branchCode: '001',
        accountKind: 'ordinary',
        accountNumber: '7654321',
        payeeKana: 'ローカルペイ',
      },
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The yes to an account, under a reference of the spec's choosing. */
export function confirmed(response: ServerResponse, providerAccountRef: string): void {
  answerJson(response, 200, { confirmed: true, providerAccountRef });
}
