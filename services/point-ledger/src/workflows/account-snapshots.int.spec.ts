import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { pino } from 'pino';
import { type Account, accountStream, emptyAccount, foldAccount } from '../domain/account.js';
import { decideGrant, type Funding } from '../domain/grant.js';
import { exchangeableLots } from '../domain/hold.js';
import { type Claim, claim, someId, startTestLedger, type TestLedger } from '../test-ledger.js';
import { AccountSnapshots, snapshotEventsMin } from './account-snapshots.js';
import { Accounts } from './accounts.js';

let ledger: TestLedger;
let fundId: string;
beforeAll(async () => {
  ledger = await startTestLedger({ logs: 2 });
  fundId = await ledger.fund(1_000_000_000);
});
afterAll(async () => {
  try {
    expect(await ledger.violations()).toEqual([]);
  } finally {
    await ledger.close();
  }
});

const funding: Funding = { known: true, ownerId: 'demo', dryRun: false, restPoints: 1_000, elsewhere: undefined };

/** The log, and how many events were read of it. */
function counting(log: EventLog) {
  const read = { events: 0 };
  const counted: Pick<EventLog, 'readStreams' | 'outdated' | 'logOf'> = {
    logOf: (stream) => log.logOf(stream),
    outdated: (lastEvents) => log.outdated(lastEvents),
    async readStreams(names, after) {
      const found = await log.readStreams(names, after);
      for (const events of found.values()) read.events += events.length;
      return found;
    },
  };
  return { log: counted as EventLog, read };
}

/** A process that has just begun: it remembers nothing. */
function restarted() {
  const { log, read } = counting(ledger.log);
  const snapshots = new AccountSnapshots(ledger.pool, log, pino({ level: 'silent' }));
  return { accounts: new Accounts(log, snapshots), snapshots, read };
}

const grantsTo = (personId: string, count: number): Claim[] =>
  Array.from({ length: count }, () => claim({ fundId, personId, measureId: someId(), amountPoints: 10 }));

async function longAccount(events = snapshotEventsMin + 20): Promise<string> {
  const personId = newId(ledger.clock.now());
  // A claim of a person who is in a batch already waits for the next one.
  await ledger.claims(...grantsTo(personId, events));
  return personId;
}

async function recorded(personId: string): Promise<readonly RecordedEvent[]> {
  const stream = accountStream(personId);
  return (await ledger.log.readStreams([stream])).get(stream) ?? [];
}

async function storeSnapshot(personId: string): Promise<void> {
  const { accounts, snapshots } = restarted();
  await accounts.read([personId]);
  await snapshots.settled();
}

async function rowOf(personId: string) {
  const { rows } = await ledger.pool.query('select * from account_snapshots where person_id = $1', [personId]);
  return rows[0];
}

async function expectPlainFold(personId: string, { accounts }: ReturnType<typeof restarted>) {
  const events = await recorded(personId);
  const seen = (await accounts.read([personId])).get(personId);
  const account = foldAccount(events);
  expect(seen).toStrictEqual({ account, revision: events.length - 1, lastEventId: events.at(-1)?.id ?? null });
  const now = new Date(ledger.clock.now()).toISOString();
  expect(exchangeableLots(seen?.account ?? emptyAccount, now)).toEqual(exchangeableLots(account, now));
  return events.length;
}

it('after a restart a long account is read from its snapshot on, a short one whole and without a row', async () => {
  const [long, short] = [await longAccount(), await longAccount(3)];
  await storeSnapshot(long);
  await storeSnapshot(short);
  expect(await rowOf(short)).toBeUndefined();
  await ledger.claims(...grantsTo(long, 4));
  const process = restarted();
  const { revision } = await rowOf(long);
  const length = await expectPlainFold(long, process);
  expect(process.read.events).toBe(length - revision);
  expect(process.read.events).toBeLessThan(30);
  await expectPlainFold(short, process);
  expect(await process.accounts.readOne(long)).toStrictEqual(foldAccount(await recorded(long)));
});

const damages: Record<string, string> = {
  'a row that is not there': 'delete from account_snapshots where person_id = $1',
  'other points': `update account_snapshots set account = replace(account::text, '"availablePoints":10', '"availablePoints":99')::json where person_id = $1`,
  'another text': `update account_snapshots set account = '{}' where person_id = $1`,
  'an earlier revision': 'update account_snapshots set revision = revision - 1 where person_id = $1',
  'a revision that is still to come': 'update account_snapshots set revision = revision + 1000 where person_id = $1',
  'another event': 'update account_snapshots set last_event_id = gen_random_uuid() where person_id = $1',
  'another log': 'update account_snapshots set log = 1 - log where person_id = $1',
  'another version of the fold': 'update account_snapshots set fold_version = fold_version + 1 where person_id = $1',
  'a digest that is none': `update account_snapshots set digest = '' where person_id = $1`,
};

it.each(Object.entries(damages))('%s is not used, and stored anew', async (_, damage) => {
  const personId = await longAccount();
  await storeSnapshot(personId);
  expect((await ledger.pool.query(damage, [personId])).rowCount).toBe(1);
  const process = restarted();
  const length = await expectPlainFold(personId, process);
  expect(process.read.events).toBe(length);
  await process.snapshots.settled();
  expect(await rowOf(personId)).toMatchObject({ revision: length - 1, fold_version: 1 });
  const next = restarted();
  await expectPlainFold(personId, next);
  expect(next.read.events).toBe(1);
});

it("a sound row of another ledger's log is not used: its last event is not on the stream", async () => {
  const personId = await longAccount();
  const events = await recorded(personId);
  // As the row would be if the log had been set back to an earlier copy and had gone on otherwise.
  const other = events.map((event) => ({ ...event, id: newId(ledger.clock.now()) }));
  const { snapshots } = restarted();
  const account = foldAccount(other);
  snapshots.offer(personId, { account, revision: other.length - 1, lastEventId: other.at(-1)?.id ?? null });
  await snapshots.settled();
  const process = restarted();
  await expectPlainFold(personId, process);
  // And one that is ahead of the stream.
  snapshots.distrust(personId);
  snapshots.offer(personId, { account, revision: other.length + 5, lastEventId: other.at(-1)?.id ?? null });
  await snapshots.settled();
  await expectPlainFold(personId, restarted());
});

it('without the table everything goes on', async () => {
  const personId = await longAccount();
  const { log, read } = counting(ledger.log);
  const pool = { query: () => Promise.reject(new Error('the table is gone')) } as never;
  const snapshots = new AccountSnapshots(pool, log, pino({ level: 'silent' }));
  const process = { accounts: new Accounts(log, snapshots), snapshots, read };
  await expectPlainFold(personId, process);
  await process.snapshots.settled();
  await expectPlainFold(personId, process);
});

it('any history with rows stored, dropped and damaged at any time is the plain fold, decisions too', async () => {
  const kinds = ['grow', 'exchange', 'restart', 'damage', 'empty'] as const;
  const step = fc.record({ kind: fc.constantFrom(...kinds), count: fc.integer({ min: 1, max: 60 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
      const personId = await longAccount();
      let process = restarted();
      for (const { kind, count } of steps) {
        if (kind === 'grow') await ledger.claims(...grantsTo(personId, count));
        if (kind === 'exchange')
          await ledger.exchange(personId, count * 7, count % 2 ? 'rejected' : { credited: count });
        if (kind === 'restart') process = restarted();
        if (kind === 'damage') {
          const damage = Object.values(damages)[count % Object.keys(damages).length] ?? '';
          await ledger.pool.query(damage, [personId]);
        }
        if (kind === 'empty') await ledger.pool.query('delete from account_snapshots');
        await expectPlainFold(personId, process);
        const order = claim({ fundId, personId, amountPoints: 5 }).data;
        const plain = foldAccount(await recorded(personId));
        const now = new Date(ledger.clock.now()).toISOString();
        const decided = (account: Account) => decideGrant(account, order, funding, order.claimId, now);
        expect(decided(await process.accounts.readOne(personId))).toEqual(decided(plain));
        await process.snapshots.settled();
      }
    }),
    { numRuns: 12 },
  );
});
