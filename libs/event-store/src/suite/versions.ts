import { EventVersions, newId, UnknownVersion } from '@tsunagu/kernel';
import { event, type OpenPlace, placeForEach, write } from './place.js';

const firstRelease = new EventVersions({ Counted: [], Weighed: [] });
const laterRelease = new EventVersions({
  Counted: [({ by }: { by: number }) => ({ steps: by }), ({ steps }: { steps: number }) => ({ steps, unit: 'one' })],
  Weighed: [],
});

/** The versions of the release that runs now: the same log is read by one release after another. */
class RunningRelease extends EventVersions {
  release: EventVersions = firstRelease;

  override newest(type: string): number {
    return this.release.newest(type);
  }

  override upcast: EventVersions['upcast'] = (recorded) => this.release.upcast(recorded);
}

/** What a log does that is opened with versions. */
export function versionsSuite(open: OpenPlace): void {
  let running = new RunningRelease();
  const place = placeForEach(() => {
    running = new RunningRelease();
    return open(running);
  });

  it('is read by a later release in the newest version, and stays as it was recorded', async () => {
    const { log } = place();
    const plain = { type: 'Weighed', data: { grams: 5 } };
    await log.append([write('thing-1', 'noStream', [event({ data: { by: 2 } }), event(plain)])]);
    const before = await log.readLog({ after: 0, limit: 10 });
    running.release = laterRelease;

    const newest = [
      expect.objectContaining({ type: 'Counted', schemaVersion: 3, data: { steps: 2, unit: 'one' }, revision: 0 }),
      expect.objectContaining({ ...plain, schemaVersion: 1, revision: 1 }),
    ];
    expect((await log.readStreams(['thing-1'])).get('thing-1')).toEqual(newest);
    expect((await log.readLog({ after: 0, limit: 10 })).events).toEqual(newest);
    expect((await log.readLog({ after: 0, limit: 10, stream: 'thing-1', types: ['Counted'] })).events).toEqual([
      newest[0],
    ]);
    expect(await log.readLog({ after: 0, limit: 10, form: 'recorded' })).toEqual(before);
    expect(before.events[0]).toMatchObject({ schemaVersion: 1, data: { by: 2 } });
  });

  it('records the newest version and no other', async () => {
    const { log } = place();
    running.release = laterRelease;
    await log.append([write('thing-1', 'noStream', [event({ data: { steps: 1, unit: 'one' } })])]);
    const { events } = await log.readLog({ after: 0, limit: 10, form: 'recorded' });
    expect(events).toMatchObject([{ schemaVersion: 3, data: { steps: 1, unit: 'one' } }]);
    for (const schemaVersion of [1, 2, 4]) {
      await expect(log.append([write('thing-2', 'noStream', [event({ schemaVersion })])])).rejects.toMatchObject({
        code: 'store.invalid_request',
      });
    }
  });

  it('answers a repetition by a later release as the duplicate that it is', async () => {
    const { log } = place();
    const id = newId(Date.now());
    const [first] = await log.append([write('thing-1', 'noStream', [event({ id, data: { by: 2 } })])]);
    running.release = laterRelease;
    const again = write('thing-1', 'noStream', [event({ id, data: { steps: 2, unit: 'one' } })]);
    expect(await log.append([again])).toEqual([{ outcome: 'duplicate', positions: first && positions(first) }]);
    const { events } = await log.readLog({ after: 0, limit: 10, form: 'recorded' });
    expect(events).toMatchObject([{ schemaVersion: 1, data: { by: 2 } }]);
  });

  it('is not read by an earlier release where it holds a version that this does not know, except as recorded', async () => {
    const { log } = place();
    running.release = laterRelease;
    await log.append([write('thing-1', 'noStream', [event({ data: { steps: 1, unit: 'one' } })])]);
    running.release = firstRelease;
    await expect(log.readStreams(['thing-1'])).rejects.toThrow(UnknownVersion);
    await expect(log.readLog({ after: 0, limit: 10 })).rejects.toThrow(
      'Counted is recorded in version 3, and this release knows it up to version 1',
    );
    expect((await log.readLog({ after: 0, limit: 10, form: 'recorded' })).events).toHaveLength(1);
    expect((await log.readLog({ after: 0, limit: 10, types: ['Weighed'] })).events).toEqual([]);
  });
}

function positions(outcome: object): unknown {
  return 'positions' in outcome ? outcome.positions : undefined;
}
