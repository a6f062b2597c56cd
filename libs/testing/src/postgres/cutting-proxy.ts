import { connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to the next message of a client that holds `text`, or each of several. */
interface Cut {
  readonly text: string | readonly string[];
  /** `answer`: the server works it off, its answer is thrown away. `question`: the server never sees it. */
  readonly what: 'answer' | 'question';
  /** Nobody gets through afterwards, until `setDown(false)`. */
  readonly thenDown?: boolean;
}

/** A TCP proxy for specs that cuts connections to the database at chosen messages. */
export class CuttingProxy {
  private cut: Cut | undefined;
  private isDown = false;
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
    server.on('connection', (client) => {
      if (proxy.isDown) client.destroy();
      else proxy.pass(client, connect(Number(port), hostname));
    });
    return proxy;
  }

  /** Cuts once. */
  cutNext(cut: Cut): void {
    this.cut = cut;
  }

  /** From now on nobody gets through, or everybody does again; what is open is cut. */
  setDown(isDown: boolean): void {
    this.isDown = isDown;
    if (isDown) for (const socket of this.sockets) socket.destroy();
  }

  /** Whether the cut that was ordered has happened. */
  get hasCut(): boolean {
    return this.cut === undefined;
  }

  /** The address of a database, led through this proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
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
      this.sockets.delete(client);
      this.sockets.delete(server);
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => {
      if (this.cut && [this.cut.text].flat().every((text) => bytes.includes(text))) {
        if (this.cut.thenDown) this.isDown = true;
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
