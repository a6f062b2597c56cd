import type { EventLog } from '@tsunagu/event-store';
import { type Account, type AccountEvent, emptyAccount, evolveAccount } from '@tsunagu/point-ledger';
import type { Read } from './scan.js';

const ACCOUNTS_MAX = 50_000;
const prefix = 'account-';

/** Accounts as they stand at a place in the log: those seen last, and the others folded again from their streams when they come up. */
export class RecentAccounts {
  private readonly accounts = new Map<string, Account>();

  constructor(
    private readonly log: EventLog,
    private readonly max = ACCOUNTS_MAX,
  ) {}

  get(stream: string): Account | undefined {
    return this.accounts.get(stream);
  }

  set(stream: string, account: Account): void {
    // Used last goes last: the first is the one to forget.
    this.accounts.delete(stream);
    this.accounts.set(stream, account);
  }

  /** Brings in every account that the next events move, and forgets the oldest beyond the limit. */
  async prepare(events: readonly Read[]): Promise<void> {
    const coming = new Set(events.map(({ stream }) => stream));
    const first = new Map<string, Read>();
    for (const event of events) {
      const isNew = event.stream.startsWith(prefix) && !this.accounts.has(event.stream) && !first.has(event.stream);
      if (isNew) first.set(event.stream, event);
    }
    for (const stream of [...this.accounts.keys()].slice(0, Math.max(0, this.accounts.size - this.max))) {
      if (!coming.has(stream)) this.accounts.delete(stream);
    }
    const streams = await this.log.readStreams(
      [...first].filter(([, { revision }]) => revision > 0).map(([name]) => name),
    );
    for (const [stream, recorded] of streams) {
      const { position = 0 } = first.get(stream) ?? {};
      for (const event of recorded) if (event.position < position) this.evolve(stream, event as Read);
    }
  }

  /** An event that does not fit was reported when its turn came; the account goes on without it. */
  private evolve(stream: string, event: Read): void {
    try {
      this.set(stream, evolveAccount(this.accounts.get(stream) ?? emptyAccount, event as unknown as AccountEvent));
    } catch {}
  }
}
