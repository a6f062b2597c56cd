import type { EventLog, RecordedEvent } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { newId } from '@tsunagu/kernel';
import fc from 'fast-check';
import { accountStream, foldAccount } from '../domain/account.js';
import { Accounts, seenAccount } from './accounts.js';
import { expected, ledgerEvent } from './recording.js';

const NOW = Date.parse('2026-11-05T00:00:00.000Z');
const clock = { now: () => NOW };
const effectiveAt = '2026-11-05T00:00:00.000Z';

/** A log, and how many events were read of it. */
class ReadLog extends MemoryEventLog {
  eventsRead = 0;

  override async readStreams(streams: readonly string[], after?: ReadonlyMap<string, number>) {
    const found = await super.readStreams(streams, after);
    for (const events of found.values()) this.eventsRead += events.length;
    return found;
  }
}

function grantTo(personId: string) {
  const id = newId(NOW);
  const data = {
    ...{ claimId: newId(NOW), personId, campaignId: newId(NOW), measureId: newId(NOW), programmeId: 'default' },
    ...{ fundId: newId(NOW), ownerId: 'demo', lotId: id, points: 10, legalClass: 'municipal', dryRun: false },
    ...{ grantedAt: effectiveAt, expiresAt: null, ruleVersion: 1, attempt: 1, receiptNumber: 'R-VHFF-AAM9-BBEU-ATMQ' },
  };
  const cause = { id: null, correlationId: id };
  return ledgerEvent({ type: 'PointsGranted', data }, { id, cause, effectiveAt, ownerId: 'demo' });
}

/** One worker grants, on what it remembers or reads; false when another one was quicker. */
async function grant(log: EventLog, accounts: Accounts, personId: string): Promise<boolean> {
  const seen = seenAccount(await accounts.of([personId]), personId);
  const events = [grantTo(personId)];
  const write = { stream: accountStream(personId), expectedRevision: expected(seen.revision), events };
  const [outcome] = await log.append([{ writes: [write] }]);
  if (outcome?.outcome === 'appended') accounts.recorded(personId, seen, events);
  else accounts.forget(personId);
  return outcome?.outcome === 'appended';
}

async function recorded(log: EventLog, personId: string): Promise<readonly RecordedEvent[]> {
  const stream = accountStream(personId);
  return (await log.readStreams([stream])).get(stream) ?? [];
}

describe('one account as recorded now', () => {
  it('is not read again until another process has moved it on', async () => {
    const log = new ReadLog(clock);
    const [mine, theirs] = [new Accounts(log), new Accounts(log)];
    const personId = newId(NOW);
    for (let n = 0; n < 3; n += 1) await grant(log, theirs, personId);
    const readBy = async (accounts: Accounts) => {
      const before = log.eventsRead;
      const account = await accounts.readOne(personId);
      return { lots: account.lots.length, events: log.eventsRead - before };
    };
    expect(await readBy(mine)).toEqual({ lots: 3, events: 3 });
    expect(await readBy(mine)).toEqual({ lots: 3, events: 0 });
    await grant(log, theirs, personId);
    expect(await readBy(theirs)).toEqual({ lots: 4, events: 0 });
    expect(await readBy(mine)).toEqual({ lots: 4, events: 4 });
    expect(await readBy(mine)).toEqual({ lots: 4, events: 0 });
  });

  it('of a person without one is nothing, until there is one', async () => {
    const log = new ReadLog(clock);
    const [mine, theirs] = [new Accounts(log), new Accounts(log)];
    const personId = newId(NOW);
    for (let n = 0; n < 2; n += 1) expect((await mine.readOne(personId)).lots).toHaveLength(0);
    await grant(log, theirs, personId);
    expect((await mine.readOne(personId)).lots).toHaveLength(1);
  });

  it('is read from its stream where the log was set back and has gone on otherwise', async () => {
    const [before, after] = [new ReadLog(clock), new ReadLog(clock)];
    const personId = newId(NOW);
    for (const log of [before, after]) await grant(log, new Accounts(log), personId);
    let log = before;
    const inForce: Pick<EventLog, 'logOf' | 'readStreams' | 'outdated'> = {
      logOf: () => 0,
      readStreams: (...named) => log.readStreams(...named),
      outdated: (...lastEvents) => log.outdated(...lastEvents),
    };
    const accounts = new Accounts(inForce as EventLog);
    const ofBefore = await accounts.readOne(personId);
    log = after;
    const ofAfter = await accounts.readOne(personId);
    expect(ofAfter).toStrictEqual(foldAccount(await recorded(after, personId)));
    expect(ofAfter).not.toEqual(ofBefore);
  });

  it('is the fold of its stream at any time, whoever wrote and whoever asks', async () => {
    const step = fc.record({
      worker: fc.integer({ min: 0, max: 1 }),
      person: fc.integer({ min: 0, max: 2 }),
      act: fc.constantFrom('grant', 'read', 'race'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const log = new ReadLog(clock);
        const workers = [new Accounts(log), new Accounts(log)];
        const persons = [newId(NOW), newId(NOW), newId(NOW)];
        for (const { worker, person, act } of steps) {
          const [accounts, personId] = [workers[worker], persons[person]];
          if (!accounts || !personId) throw new Error('no such worker or person');
          if (act === 'grant') await grant(log, accounts, personId);
          if (act === 'race')
            await Promise.all(workers.flatMap((each) => [each.readOne(personId), grant(log, each, personId)]));
          expect(await accounts.readOne(personId)).toStrictEqual(foldAccount(await recorded(log, personId)));
        }
      }),
      { numRuns: 200 },
    );
  });
});
