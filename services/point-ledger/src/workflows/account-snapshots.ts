import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { EventLog } from '@tsunagu/event-store';
import { RecentMap } from '@tsunagu/kernel';
import { DATABASE, EVENT_LOG, LOGGER } from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { accountStream } from '../domain/account.js';
import {
  type AccountSeen,
  type AccountSnapshot,
  foldVersion,
  fromSnapshot,
  toSnapshot,
} from '../domain/account-snapshot.js';

/** Accounts with no more events are folded whole: 200 are read in about the time of a look-up. */
export const snapshotEventsMin = 200;
/** Snapshots that a process knows to be there, once or twice so many: about 20 MB. Others are not looked for. */
const KNOWN_MAX = 100_000;
/** What other processes have stored is asked for so often (real clock). */
const LIST_EVERY_MS = 60_000;
/** Accounts that wait to be stored; one that finds no place is offered again with its next event. */
const WAITING_MAX = 500;

interface Row {
  readonly personId: string;
  readonly log: number;
  readonly revision: number;
  readonly lastEventId: string;
  readonly foldVersion: number;
  /** JSON, as it was written. */
  readonly account: string;
  readonly digest: string;
}

/**
 * Folded states of long accounts, stored behind the work so that a restart does not fold them again from their first event.
 * Only a cache: whoever takes one up reads the log from the snapshot's last event on, and does without it where that event is
 * another one. A row that is damaged, of another version, or not to be had is as good as none.
 */
@Injectable()
export class AccountSnapshots implements OnModuleDestroy {
  /** The revision of each snapshot that is stored. */
  private readonly stored = new RecentMap<string, number>(KNOWN_MAX);
  private readonly waiting = new Map<string, AccountSeen>();
  private listing: Promise<void> | undefined;
  private listedAt = Number.NEGATIVE_INFINITY;
  private writing: Promise<void> | undefined;
  private stopped = false;

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The stored states of those who have one that can be read. Never rejects. */
  async find(personIds: readonly string[]): Promise<ReadonlyMap<string, AccountSeen>> {
    const found = new Map<string, AccountSeen>();
    await this.list();
    const known = personIds.filter((personId) => this.stored.get(personId) !== undefined);
    if (known.length === 0) return found;
    try {
      const { rows } = await this.database.query<Row>(select, [known, foldVersion]);
      for (const row of rows) if (this.isSound(row)) found.set(row.personId, seenOf(row));
    } catch (error) {
      this.logger.warn({ err: error }, 'account snapshots were not read');
      return new Map();
    }
    for (const personId of known) if (!found.has(personId)) this.distrust(personId);
    return found;
  }

  /** Stores the state some time, where the account has grown so much since the last one that it pays. */
  offer(personId: string, seen: AccountSeen): void {
    const before = this.stored.get(personId) ?? -1;
    // A quarter more each time: an account that grows on and on is not written over and over.
    if (this.stopped || seen.revision - before <= Math.max(snapshotEventsMin, before >> 2)) return;
    if (this.waiting.size >= WAITING_MAX && !this.waiting.has(personId)) return;
    this.waiting.set(personId, seen);
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** What is stored does not fit the log: not looked for again, and stored anew with the next offer. */
  distrust(personId: string): void {
    this.stored.delete(personId);
  }

  /** Resolves when nothing waits to be stored. */
  async settled(): Promise<void> {
    await this.writing;
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    this.waiting.clear();
    await Promise.all([this.writing, this.listing]);
  }

  /** Which there are: waited for once, and then looked up behind the work. */
  private list(): Promise<void> | undefined {
    const isFirst = this.listedAt === Number.NEGATIVE_INFINITY;
    if (!this.stopped && !this.listing && performance.now() - this.listedAt > LIST_EVERY_MS) {
      this.listing = this.readList().finally(() => {
        this.listing = undefined;
        this.listedAt = performance.now();
      });
    }
    return isFirst ? this.listing : undefined;
  }

  private async readList(): Promise<void> {
    try {
      const { rows } = await this.database.query<{ personId: string; revision: number }>(list, [
        foldVersion,
        KNOWN_MAX,
      ]);
      for (const { personId, revision } of rows) this.stored.set(personId, revision);
    } catch (error) {
      this.logger.warn({ err: error }, 'account snapshots were not listed');
    }
  }

  private async write(): Promise<void> {
    for (const [personId, seen] of this.waiting) {
      this.waiting.delete(personId);
      try {
        const row = this.rowOf(personId, seen);
        await this.database.query(upsert, Object.values(row));
        this.stored.set(personId, seen.revision);
      } catch (error) {
        this.logger.warn({ err: error }, 'an account snapshot was not stored');
      }
    }
  }

  private rowOf(personId: string, { account, revision, lastEventId }: AccountSeen): Row {
    const log = this.log.logOf(accountStream(personId));
    const text = JSON.stringify(toSnapshot(account));
    const row = { personId, log, revision, lastEventId: lastEventId ?? '', foldVersion, account: text };
    return { ...row, digest: digestOf(row) };
  }

  private isSound(row: Row): boolean {
    return row.log === this.log.logOf(accountStream(row.personId)) && row.digest === digestOf(row);
  }
}

function seenOf({ account, revision, lastEventId }: Row): AccountSeen {
  return { account: fromSnapshot(JSON.parse(account) as AccountSnapshot), revision, lastEventId };
}

/** Over every column, so that a row is of this account, at this revision, as it was written. */
function digestOf({ personId, log, revision, lastEventId, foldVersion, account }: Omit<Row, 'digest'>): string {
  return createHash('sha256')
    .update([personId, log, revision, lastEventId, foldVersion, account].join('\n'))
    .digest('hex');
}

const list = `
  select person_id as "personId", revision from account_snapshots
   where fold_version = $1 order by taken_at desc limit $2`;

const select = `
  select person_id as "personId", log, revision, last_event_id as "lastEventId", fold_version as "foldVersion",
         account::text as account, digest
    from account_snapshots
   where person_id = any ($1::uuid[]) and fold_version = $2`;

/** The last one to write is kept, whatever was there: an older snapshot is as right as a newer one. */
const upsert = `
  insert into account_snapshots (person_id, log, revision, last_event_id, fold_version, account, digest)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (person_id) do update
     set log = excluded.log, revision = excluded.revision, last_event_id = excluded.last_event_id,
         fold_version = excluded.fold_version, account = excluded.account, digest = excluded.digest, taken_at = now()`;
