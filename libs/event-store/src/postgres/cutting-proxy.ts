import { connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to the next message of a client that holds `text`. */
interface Cut {
  readonly text: string;
  /** `answer`: the server works it off, its answer is thrown away. `question`: the server never sees it. */
  readonly what: 'answer' | 'question';
}

/** A TCP proxy for specs that cuts connections to the database at chosen messages. */
export class CuttingProxy {
  private cut: Cut | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start({ hostname, port }: URL): Promise<CuttingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const proxy = new CuttingProxy(server, typeof address === 'object' && address ? address.port : 0);
    server.on('connection', (client) => proxy.pass(client, connect(Number(port), hostname)));
    return proxy;
  }

  /** Cuts once. */
  cutNext(cut: Cut): void {
    this.cut = cut;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(client: Socket, server: Socket): void {
    let swallowing = false;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => {
      if (this.cut && bytes.includes(this.cut.text)) {
        if (this.cut.what === 'question') end();
        swallowing = true;
        this.cut = undefined;
      }
      server.write(bytes);
    });
    // The server answers a statement after its commit: when the first byte comes, it has happened.
    server.on('data', (bytes) => (swallowing ? end() : client.write(bytes)));
  }
}
