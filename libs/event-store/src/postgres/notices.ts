import { Client, type ClientConfig } from 'pg';

const NOTIFY_INTERVAL_MS = 5;
const RECONNECT_AFTER_MS = 500;

/**
 * Tells other processes how far a log has come, and hears it from them, on one connection of its own. A hint only:
 * what is lost here is found by the poll. NOTIFY stands outside the appending transaction, because inside it takes a
 * lock over the whole server.
 */
export class Notices {
  private client: Client | undefined;
  private connecting: Promise<void> | undefined;
  private reconnectTimer: NodeJS.Timeout | undefined;
  private notifyTimer: NodeJS.Timeout | undefined;
  private notifiedAtMs = 0;
  private pending = 0;
  private sending = false;
  private closed = false;

  /** `channel` names the log within its database; `heard` gets the positions that other processes reached. */
  constructor(
    private readonly config: ClientConfig,
    private readonly channel: string,
    private readonly heard: (position: number) => void,
  ) {}

  /** Begins to listen, and goes on after a lost connection. */
  listen(): void {
    if (this.client || this.connecting || this.reconnectTimer || this.closed) return;
    this.connecting = this.connect().finally(() => {
      this.connecting = undefined;
    });
  }

  /** Announces a committed position, at most every 5 ms: the last one wins. */
  announce(position: number): void {
    this.pending = Math.max(this.pending, position);
    this.listen();
    if (this.notifyTimer || this.closed) return;
    const waitMs = Math.max(0, this.notifiedAtMs + NOTIFY_INTERVAL_MS - performance.now());
    this.notifyTimer = setTimeout(() => {
      this.notifyTimer = undefined;
      void this.send();
    }, waitMs);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.notifyTimer);
    clearTimeout(this.reconnectTimer);
    await this.connecting;
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => {});
  }

  private async send(): Promise<void> {
    if (!this.client || this.sending || this.closed) return;
    this.sending = true;
    this.notifiedAtMs = performance.now();
    const position = this.pending;
    try {
      await this.client.query('select pg_notify($1, $2)', [this.channel, String(position)]);
    } catch {
      this.lost();
    }
    this.sending = false;
    if (this.pending > position) this.announce(this.pending);
  }

  private async connect(): Promise<void> {
    const client = new Client(this.config);
    client.on('error', () => this.lost(client));
    client.on('end', () => this.lost(client));
    client.on('notification', ({ payload, processId }) => {
      const position = Number(payload);
      const own = processId === (client as Client & { processID?: number }).processID;
      if (!own && Number.isSafeInteger(position)) this.heard(position);
    });
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(this.channel)}`);
      this.client = client;
    } catch {
      await client.end().catch(() => {});
      this.reconnectLater();
    }
    if (this.pending > 0 && this.client) this.announce(this.pending);
  }

  private lost(client = this.client): void {
    if (!client || client !== this.client) return;
    this.client = undefined;
    void client.end().catch(() => {});
    this.reconnectLater();
  }

  private reconnectLater(): void {
    if (this.closed || this.reconnectTimer) return;
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      this.listen();
    }, RECONNECT_AFTER_MS);
    this.reconnectTimer.unref();
  }
}
