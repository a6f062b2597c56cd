import { Inject, Injectable, Optional } from '@nestjs/common';
import {
  type EventLog,
  type LastEvent,
  type NewEvent,
  type RecordedEvent,
  SharedQuery,
  StreamReader,
} from '@tsunagu/event-store';
import { RecentMap } from '@tsunagu/kernel';
import { EVENT_LOG } from '@tsunagu/service-host';
import { type Account, type AccountEvent, accountStream, emptyAccount, evolveAccount } from '../domain/account.js';
import type { AccountSeen } from '../domain/account-snapshot.js';
import { AccountSnapshots, snapshotEventsMin } from './account-snapshots.js';

type ReadTails = (
  names: readonly string[],
  after: ReadonlyMap<string, number>,
) => Promise<ReadonlyMap<string, readonly RecordedEvent[]>>;

const nothing: AccountSeen = { account: emptyAccount, revision: -1, lastEventId: null };

/** Events whose fold is remembered, once or twice so many: about 200 MB when full. */
const REMEMBERED_EVENTS = 250_000;

/**
 * Accounts as this process last read or wrote them, so that a person's next claim costs no read; and long ones as they were
 * stored, so that a read costs their last events only. Nothing is decided on them that the log does not check: an append
 * names the revision, and one that another worker has moved on conflicts. Those used least recently are forgotten;
 * forgetting changes nothing but the time it takes.
 */
@Injectable()
export class Accounts {
  private readonly remembered = new RecentMap<string, AccountSeen>(REMEMBERED_EVENTS, ({ revision }) => revision + 1);
  private readonly reader: StreamReader;
  private readonly outdated: SharedQuery<LastEvent, ReadonlySet<string>>;

  /** Without `snapshots`, long accounts are read from their first event. */
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Optional() @Inject(AccountSnapshots) private readonly snapshots?: AccountSnapshots,
  ) {
    this.reader = new StreamReader(log);
    this.outdated = new SharedQuery((lastEvents) => log.outdated(lastEvents));
  }

  /** Each person's account, as remembered or else as recorded now. */
  async of(personIds: readonly string[]): Promise<Map<string, AccountSeen>> {
    const found = new Map<string, AccountSeen>();
    const missing: string[] = [];
    for (const personId of personIds) {
      const known = this.remembered.get(personId);
      if (known) found.set(personId, known);
      else missing.push(personId);
    }
    if (missing.length === 0) return found;
    for (const [personId, seen] of await this.read(missing)) found.set(personId, seen);
    return found;
  }

  /** Each person's account as recorded now. */
  async read(personIds: readonly string[]): Promise<Map<string, AccountSeen>> {
    return this.folded(personIds, await this.known(personIds), (names, after) => this.log.readStreams(names, after));
  }

  /**
   * One person's account as recorded now: as remembered where the log says that nothing came after, else read. Many who ask
   * at the same time share a query.
   */
  async readOne(personId: string): Promise<Account> {
    const seen = this.remembered.get(personId);
    if (seen && (await this.isCurrent(personId, seen))) return seen.account;
    const known = await this.known([personId]);
    const folded = await this.folded([personId], known, (names, after) =>
      after.size > 0 ? this.log.readStreams(names, after) : this.reader.read(names),
    );
    const now = folded.get(personId) ?? nothing;
    // Unless a writer of this process knew more meanwhile.
    if (this.remembered.get(personId) === seen && now.revision >= 0) this.remembered.set(personId, now);
    return now.account;
  }

  /** What was appended to an account that stood at `seen`. */
  recorded(personId: string, seen: AccountSeen, events: readonly Pick<NewEvent, 'id' | 'type' | 'data'>[]): void {
    const now = onwards(seen, events);
    this.remembered.set(personId, now);
    this.snapshots?.offer(personId, now);
  }

  /** Another writer has moved the account on, or may have. */
  forget(personId: string): void {
    this.remembered.delete(personId);
  }

  private async isCurrent(personId: string, { revision, lastEventId }: AccountSeen): Promise<boolean> {
    if (lastEventId === null) return false;
    const last = { stream: accountStream(personId), revision, id: lastEventId };
    return !(await this.outdated.ask([last])).has(lastEventId);
  }

  /** States of long accounts to go on from. */
  private async known(personIds: readonly string[]): Promise<ReadonlyMap<string, AccountSeen>> {
    const known = new Map<string, AccountSeen>();
    const others: string[] = [];
    for (const personId of personIds) {
      const seen = this.remembered.get(personId);
      if (seen === undefined) others.push(personId);
      else if (seen.revision >= snapshotEventsMin) known.set(personId, seen);
    }
    if (!this.snapshots || others.length === 0) return known;
    return new Map([...known, ...(await this.snapshots.find(others))]);
  }

  private async folded(
    personIds: readonly string[],
    known: ReadonlyMap<string, AccountSeen>,
    read: ReadTails,
  ): Promise<Map<string, AccountSeen>> {
    // From the last event that is folded in: that it is there shows that the state is of this stream.
    const after = new Map([...known].map(([personId, { revision }]) => [accountStream(personId), revision - 1]));
    const names = personIds.map(accountStream);
    const streams = await read(names, after);
    const found = new Map<string, AccountSeen>();
    const misfits: string[] = [];
    for (const [index, personId] of personIds.entries()) {
      const events = streams.get(names[index] ?? '') ?? [];
      const base = known.get(personId);
      if (base && !isLastOf(base, events[0])) {
        misfits.push(personId);
        continue;
      }
      const now = base ? onwards(base, events.slice(1)) : onwards(nothing, events);
      found.set(personId, now);
      this.snapshots?.offer(personId, now);
    }
    if (misfits.length === 0) return found;
    for (const personId of misfits) {
      this.forget(personId);
      this.snapshots?.distrust(personId);
    }
    const whole = await this.folded(misfits, new Map(), read);
    return new Map([...found, ...whole]);
  }
}

export function seenAccount(accounts: ReadonlyMap<string, AccountSeen>, personId: string): AccountSeen {
  const seen = accounts.get(personId);
  if (!seen) throw new Error('an account is read before it is decided on');
  return seen;
}

function isLastOf({ revision, lastEventId }: AccountSeen, first: RecordedEvent | undefined): boolean {
  return first !== undefined && first.revision === revision && first.id === lastEventId;
}

function onwards(seen: AccountSeen, events: readonly Pick<NewEvent, 'id' | 'type' | 'data'>[]): AccountSeen {
  let { account } = seen;
  for (const event of events) account = evolveAccount(account, event as AccountEvent);
  return { account, revision: seen.revision + events.length, lastEventId: events.at(-1)?.id ?? seen.lastEventId };
}
