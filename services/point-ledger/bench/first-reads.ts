import { readFileSync } from 'node:fs';
import { alternate, type BenchPlace, type BenchRow, emptied, openBenchPlace, rate } from '@tsunagu/event-store/bench';
import { newId } from '@tsunagu/kernel';
import { pino } from 'pino';
import { accountStream } from '../src/domain/account.js';
import { granted } from '../src/domain/builders.js';
import { AccountSnapshots } from '../src/workflows/account-snapshots.js';
import { Accounts } from '../src/workflows/accounts.js';
import { ledgerEvent } from '../src/workflows/recording.js';

/** So many accounts of so many events, and the events past the snapshot. */
const sizes = [
  { persons: 100, events: 250 },
  { persons: 4, events: 5_000 },
];
const TAIL_EVENTS = 20;

/** Long accounts as a process reads them that has just begun: from their snapshots on, against their first event on. */
export async function firstReadRows(url: string): Promise<BenchRow[]> {
  const place = await openBenchPlace(url);
  try {
    const migration = new URL('../src/migrations/007.do.account-snapshots.sql', import.meta.url);
    await place.pool.query(readFileSync(migration, 'utf8'));
    const rows: BenchRow[] = [];
    for (const { persons, events } of sizes) rows.push(await firstReadRow(place, persons, events));
    return rows;
  } finally {
    await place.close();
  }
}

async function firstReadRow(place: BenchPlace, persons: number, events: number): Promise<BenchRow> {
  await emptied(place);
  const ids = Array.from({ length: persons }, () => newId(Date.now()));
  for (const id of ids) await grow(place, id, 0, events - TAIL_EVENTS);
  const { accounts, snapshots } = begun(place);
  await accounts.read(ids);
  await snapshots.settled();
  for (const id of ids) await grow(place, id, events - TAIL_EVENTS, TAIL_EVENTS);
  await place.pool.query('analyze');
  const [measured, limit] = await alternate([
    () => rate(persons, () => begun(place).accounts.read(ids)),
    () => rate(persons, () => new Accounts(place.log).read(ids)),
  ]);
  if (!measured || !limit) throw new Error('first reads were not measured');
  const name = `first read of accounts with ${events} events, from a snapshot on`;
  const ratio = measured.median / limit.median;
  return { name, unit: 'accounts/s', measured, against: 'folded from the first event', limit, ratio, bar: 1, aim: 1 };
}

function begun({ pool, log }: BenchPlace) {
  const snapshots = new AccountSnapshots(pool, log, pino({ level: 'silent' }));
  return { accounts: new Accounts(log, snapshots), snapshots };
}

async function grow({ log }: BenchPlace, personId: string, from: number, count: number): Promise<void> {
  const ids = () => ({ claimId: newId(Date.now()), campaignId: newId(Date.now()), measureId: newId(Date.now()) });
  const events = Array.from({ length: count }, () => {
    const lot = { lotId: newId(Date.now()), fundId: newId(Date.now()), personId, ...ids() };
    const event = granted(lot);
    const cause = { id: lot.claimId, correlationId: lot.claimId };
    return ledgerEvent(event, {
      id: newId(Date.now()),
      cause,
      effectiveAt: '2026-11-20T01:00:00.000Z',
      ownerId: 'demo',
    });
  });
  const write = {
    stream: accountStream(personId),
    expectedRevision: from === 0 ? ('noStream' as const) : from - 1,
    events,
  };
  await log.append([{ writes: [write] }]);
}
