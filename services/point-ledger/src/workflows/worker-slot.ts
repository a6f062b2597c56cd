import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DATABASE } from '@tsunagu/service-host';
import type { Pool, PoolClient } from 'pg';
import { contested } from './recording.js';

/** Workers of one ledger database: more than this many processes wait for a slot to fall free. */
const SLOTS_MAX = 256;
/** First key of the two-part advisory lock, apart from other users of advisory locks in the same database. */
const LOCK_CLASS = 0x4c454453;

/**
 * This process's worker number. It is the lowest free one, held by a session lock on a connection of its own: a restarted
 * worker gets its number back, and with it the duty to close the leases that its predecessor left. The lock is only about
 * who tidies up; a lease itself is fenced by its stream's revision.
 */
@Injectable()
export class WorkerSlot implements OnModuleDestroy {
  private holder: PoolClient | undefined;
  private slot: Promise<number> | undefined;
  private isStopping = false;

  constructor(@Inject(DATABASE) private readonly database: Pool) {}

  number(): Promise<number> {
    this.slot ??= this.take().catch((error: unknown) => {
      this.slot = undefined;
      throw error;
    });
    return this.slot;
  }

  /** Whether no living worker has this number. Looks without taking it: a worker that starts meanwhile must not miss it. */
  async isVacant(slot: number): Promise<boolean> {
    if (slot === (await this.number())) return false;
    const { rowCount } = await this.database.query(heldQuery, [LOCK_CLASS, slot]);
    return rowCount === 0;
  }

  onModuleDestroy() {
    this.isStopping = true;
    this.holder?.release(true);
    this.holder = undefined;
  }

  /** A connection that is not kept goes back whatever happens: the pool's end waits for it. */
  private async take(): Promise<number> {
    const client = await this.database.connect();
    try {
      const slot = await takeLowest(client);
      if (this.isStopping) throw contested('the worker stops and takes no number any more');
      this.hold(client);
      return slot;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  private hold(client: PoolClient): void {
    this.holder = client;
    client.on('error', () => {
      // The session is gone and the lock with it: the next use takes a number again.
      if (this.holder !== client) return;
      this.holder = undefined;
      this.slot = undefined;
      client.release(true);
    });
  }
}

/** Per schema, so that two ledgers in one database do not take each other's numbers. */
const lockClass = 'hashtext(current_schema()) # $1::int';

const heldQuery = `
  select from pg_locks
   where locktype = 'advisory' and granted and classid = (${lockClass})::oid and objid = $2 and objsubid = 2
     and database = (select oid from pg_database where datname = current_database())`;

async function takeLowest(client: PoolClient): Promise<number> {
  for (let slot = 0; slot < SLOTS_MAX; slot += 1) if (await tryLock(client, slot)) return slot;
  throw new Error(`all ${SLOTS_MAX} worker numbers of the point ledger are taken`);
}

async function tryLock(client: PoolClient, slot: number): Promise<boolean> {
  const answer = await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${lockClass}, $2) as taken`, [
    LOCK_CLASS,
    slot,
  ]);
  return answer.rows[0]?.taken === true;
}
