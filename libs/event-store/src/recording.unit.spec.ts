import { derivedId, isoTime } from '@tsunagu/kernel';
import { type AppendRequest, type EventLog, type ExpectedRevision, StoreError } from './contract.js';
import { MemoryEventLog } from './memory-log.js';
import { answerTo, appendOne, appendSurely, domainEvents, expectedRevision } from './recording.js';
import { event, startMs, write } from './suite/place.js';

/** A log that is asked `troubles.length` times in vain: before it records anything, or after, when only the answer is lost. */
function troubled(...troubles: readonly { readonly error: unknown; readonly recordsAll?: boolean }[]) {
  const left = [...troubles];
  const asked: (readonly AppendRequest[])[] = [];
  const memory = new MemoryEventLog({ now: () => startMs });
  const log = Object.assign(Object.create(memory) as EventLog, {
    append: async (requests: readonly AppendRequest[]) => {
      asked.push(requests);
      const trouble = left.shift();
      if (trouble?.recordsAll) await memory.append(requests);
      if (trouble) throw trouble.error;
      return memory.append(requests);
    },
  });
  return { log, asked };
}

const lost = new StoreError('store.outcome_unknown', 'cut');

describe('appending surely', () => {
  it('repeats the same requests where the answer was lost, and gives the outcomes that became known', async () => {
    const requests = [write('thing-1', 'noStream', 2), write('thing-2', 'noStream')];
    const recorded = troubled({ error: lost, recordsAll: true });
    expect(await appendSurely(recorded.log, requests)).toEqual([
      { outcome: 'duplicate', positions: [1, 2] },
      { outcome: 'duplicate', positions: [3] },
    ]);
    expect(recorded.asked).toEqual([requests, requests]);
    const notRecorded = troubled({ error: lost }, { error: lost });
    expect(await appendSurely(notRecorded.log, requests)).toEqual([
      { outcome: 'appended', positions: [1, 2] },
      { outcome: 'appended', positions: [3] },
    ]);
    expect(notRecorded.asked).toHaveLength(3);
  });

  it.each([
    ['the log cannot be used', new StoreError('store.unavailable', 'no database')],
    ['the request can never be recorded', new StoreError('store.invalid_request', 'no events')],
    ['the store has a mistake', new TypeError('undefined is not a function')],
    ['somebody else speaks of an unknown outcome', Object.assign(new Error('x'), { code: 'store.outcome_unknown' })],
  ])('asks once and passes the failure on where %s', async (_, error) => {
    const { log, asked } = troubled({ error });
    await expect(appendSurely(log, [write('thing-1', 'noStream')])).rejects.toBe(error);
    expect(asked).toHaveLength(1);
  });

  it('stops repeating at the first failure of another kind', async () => {
    const outage = new StoreError('store.unavailable', 'no database');
    const { log, asked } = troubled({ error: lost }, { error: outage });
    await expect(appendSurely(log, [write('thing-1', 'noStream')])).rejects.toBe(outage);
    expect(asked).toHaveLength(2);
  });
});

describe('appending one request', () => {
  it('says whether it is recorded now, by this call or by an earlier one, or another writer was first', async () => {
    const log = new MemoryEventLog({ now: () => startMs });
    const request = write('thing-1', 'noStream');
    expect(await appendOne(log, request)).toBe(true);
    expect(await appendOne(log, request)).toBe(true);
    expect(await appendOne(log, write('thing-1', 'noStream'))).toBe(false);
    expect(await log.head()).toBe(1);
  });

  it('says yes to what was recorded while its answer was lost', async () => {
    const { log } = troubled({ error: lost, recordsAll: true });
    expect(await appendOne(log, write('thing-1', 'noStream'))).toBe(true);
  });
});

describe('the answer to a recorded event', () => {
  const at = isoTime(startMs + 60_000);
  const by = { at, actor: 'service:campaign' };
  const answer = { type: 'ClaimGranted', data: { points: 500 } };

  async function causeWith(id: string) {
    const log = new MemoryEventLog({ now: () => startMs });
    const given = event({ id, correlationId: 'claim-7', actor: 'person:1', ownerId: 'city-131016' });
    await log.append([write('claim-7', 'noStream', [given])]);
    const [cause] = (await log.readStreams(['claim-7'])).get('claim-7') ?? [];
    if (!cause) throw new Error('it was appended');
    return cause;
  }

  it('names its cause, and says what the cause says of the whole and of the owner', async () => {
    const cause = await causeWith('019a5000-0000-7000-8000-000000000001');
    expect(answerTo(cause, answer, by)).toEqual({
      ...answer,
      id: expect.any(String),
      effectiveAt: at,
      correlationId: 'claim-7',
      causationId: cause.id,
      actor: 'service:campaign',
      ownerId: 'city-131016',
    });
  });

  it('has an id that follows from the cause and what is answered, the same in every release', async () => {
    const cause = await causeWith('019a5000-0000-7000-8000-000000000001');
    const idOf = (type: string, part?: string) =>
      answerTo(cause, { ...answer, type }, { ...by, ...(part && { part }) }).id;
    expect(idOf('ClaimGranted')).toBe(derivedId('ClaimGranted', cause.id));
    expect(idOf('ClaimGranted', ':2')).toBe(derivedId('ClaimGranted:2', cause.id));
    const another = await causeWith('019a5000-0000-7000-8000-000000000002');
    const ids = [
      idOf('ClaimGranted'),
      idOf('ClaimGranted', ':2'),
      idOf('ClaimRefused'),
      answerTo(another, answer, by).id,
    ];
    expect(new Set(ids).size).toBe(4);
  });

  it('happens once, however often it is given', async () => {
    const log = new MemoryEventLog({ now: () => startMs });
    const cause = await causeWith('019a5000-0000-7000-8000-000000000001');
    const given = () => write('claim-7', 'noStream', [answerTo(cause, answer, by)]);
    expect(await appendOne(log, given())).toBe(true);
    expect(await log.append([given()])).toMatchObject([{ outcome: 'duplicate' }]);
  });
});

describe('a stream as it was read', () => {
  it('is expected to stand where its last event stands, or not to exist', async () => {
    const log = new MemoryEventLog({ now: () => startMs });
    expect(expectedRevision(undefined)).toBe('noStream');
    const revisions: ExpectedRevision[] = [];
    for (let count = 1; count <= 3; count += 1) {
      const streams = await log.readStreams(['thing-1']);
      revisions.push(expectedRevision(streams.get('thing-1')));
      expect(await appendOne(log, write('thing-1', revisions.at(-1) ?? 'noStream', count))).toBe(true);
    }
    expect(revisions).toEqual(['noStream', 0, 2]);
  });

  it('is to the domain the same events, and none where there is no stream', async () => {
    const log = new MemoryEventLog({ now: () => startMs });
    await log.append([write('thing-1', 'noStream', 2)]);
    const recorded = (await log.readStreams(['thing-1'])).get('thing-1');
    const events = domainEvents<{ type: 'Counted'; data: { by: number } }>(recorded);
    expect(events).toEqual(recorded);
    expect(events.map(({ data }) => data.by)).toEqual([1, 1]);
    expect(domainEvents(undefined)).toEqual([]);
  });
});
