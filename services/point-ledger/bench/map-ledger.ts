import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { derivedId, isoTime } from '@tsunagu/kernel';
import { type Account, accountStream, emptyAccount, evolveAccount } from '../src/domain/account.js';
import { decideGrant, type Funding } from '../src/domain/grant.js';
import type { ClaimToDecide } from '../src/workflows/grants.js';
import { ledgerEvent } from '../src/workflows/recording.js';

/**
 * What a ledger costs at the least: accounts in a Map, the same decision, the same event as a line of a file, one fdatasync
 * for whatever has gathered while the one before was under way. No index, no second process, nothing to read it with.
 */
export class MapLedger {
  private readonly accounts = new Map<string, Account>();
  private lines: string[] = [];
  private waiting: (() => void)[] = [];
  private writing = false;

  private constructor(
    private readonly directory: string,
    private readonly file: FileHandle,
    private funding: Funding & { readonly known: true },
  ) {}

  static async open(fundPoints: number): Promise<MapLedger> {
    const directory = await mkdtemp(join(tmpdir(), 'map-ledger-'));
    const file = await open(join(directory, 'events'), 'a');
    const elsewhere = { unleasedPoints: 0, othersOpen: false };
    return new MapLedger(directory, file, {
      known: true,
      ownerId: 'demo',
      dryRun: false,
      restPoints: fundPoints,
      elsewhere,
    });
  }

  /** Resolves when the grant is on the disk. */
  grant({ order, cause }: ClaimToDecide): Promise<void> {
    const now = isoTime(Date.now());
    const account = this.accounts.get(order.personId) ?? emptyAccount;
    const id = derivedId('grant', cause.id);
    const decision = decideGrant(account, order, this.funding, id, now);
    if (decision.outcome !== 'decided' || decision.event.type !== 'PointsGranted') throw new Error('not granted');
    this.accounts.set(order.personId, evolveAccount(account, decision.event));
    this.funding = { ...this.funding, restPoints: this.funding.restPoints - order.amountPoints };
    const event = ledgerEvent(decision.event, { id, cause, effectiveAt: now, ownerId: 'demo' });
    this.lines.push(JSON.stringify({ stream: accountStream(order.personId), ...event }));
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      if (!this.writing) queueMicrotask(() => void this.write());
    });
  }

  async close(): Promise<void> {
    await this.file.close();
    await rm(this.directory, { recursive: true });
  }

  private async write(): Promise<void> {
    if (this.writing || this.lines.length === 0) return;
    this.writing = true;
    while (this.lines.length > 0) {
      const [lines, waiting] = [this.lines, this.waiting];
      this.lines = [];
      this.waiting = [];
      await this.file.write(`${lines.join('\n')}\n`);
      await this.file.datasync();
      for (const resolve of waiting) resolve();
      // Those who are answered come again before the next write.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.writing = false;
  }
}
