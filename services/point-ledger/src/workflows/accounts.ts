import { Inject, Injectable } from '@nestjs/common';
import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { RecentMap } from '@tsunagu/kernel';
import { EVENT_LOG } from '@tsunagu/service-host';
import { type Account, type AccountEvent, accountStream, evolveAccount, foldAccount } from '../domain/account.js';

/** An account as it stood at a revision, −1 where its stream does not exist. */
export interface AccountSeen {
  readonly account: Account;
  readonly revision: number;
}

/** Events whose fold is remembered, once or twice so many: about 200 MB when full. */
const REMEMBERED_EVENTS = 250_000;

/**
 * Accounts as this process last read or wrote them, so that a person's next claim costs no read. Nothing is decided on them
 * that the log does not check: an append names the revision, and one that another worker has moved on conflicts. Those used
 * least recently are forgotten; forgetting changes nothing but the time it takes.
 */
@Injectable()
export class Accounts {
  private readonly remembered = new RecentMap<string, AccountSeen>(REMEMBERED_EVENTS, ({ revision }) => revision + 1);

  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

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
    const streams = await this.log.readStreams(missing.map(accountStream));
    for (const personId of missing) {
      const events = streams.get(accountStream(personId)) ?? [];
      found.set(personId, { account: foldAccount(events), revision: events.length - 1 });
    }
    return found;
  }

  /** What was appended to an account that stood at `seen`. */
  recorded(personId: string, seen: AccountSeen, events: readonly Pick<RecordedEvent, 'type' | 'data'>[]): void {
    let { account } = seen;
    for (const event of events) account = evolveAccount(account, event as AccountEvent);
    this.remembered.set(personId, { account, revision: seen.revision + events.length });
  }

  /** Another writer has moved the account on, or may have. */
  forget(personId: string): void {
    this.remembered.delete(personId);
  }
}
