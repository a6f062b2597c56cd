import { toNewEvent } from '@tsunagu/event-store';
import { MemoryEventLog } from '@tsunagu/event-store/memory';
import { newId } from '@tsunagu/kernel';
import { until, waitSeconds } from './wait.js';

describe('Prefer: wait', () => {
  it.each([
    ['wait=5', 5],
    ['respond-async, wait=3', 3],
    ['WAIT = "2"; foo', 2],
    ['wait=99', 10],
    ['wait=0', undefined],
    ['wait=-1', undefined],
    ['wait=x', undefined],
    ['awaiting=5', undefined],
    [undefined, undefined],
  ])('%s is %s', (header, seconds) => {
    expect(waitSeconds(header)).toBe(seconds);
  });
});

describe('until', () => {
  const append = (log: MemoryEventLog, n: number) => {
    const meta = { id: newId(n), effectiveAt: '2026-11-20T00:00:00.000Z', correlationId: newId(n), causationId: null };
    const event = toNewEvent({ type: 'Happened', data: { n } }, { ...meta, actor: 'service:test', ownerId: null });
    return log.append([{ writes: [{ stream: `thing-${n}`, expectedRevision: 'noStream', events: [event] }] }]);
  };

  it('asks again at each append, and gives the first value that is done', async () => {
    const log = new MemoryEventLog({ now: () => 0 });
    let probes = 0;
    const probe = async () => {
      // The next event comes while this probe runs: it must not be slept through.
      if (++probes < 4) await append(log, probes);
      return log.head();
    };
    expect(await until(log, probe, (head) => head === 3, 10)).toBe(3);
    expect(probes).toBeLessThanOrEqual(4);
  });

  it('gives what there is when the time is up', async () => {
    const log = new MemoryEventLog({ now: () => 0 });
    expect(
      await until(
        log,
        async () => 'accepted',
        (state) => state === 'granted',
        0.05,
      ),
    ).toBe('accepted');
  });
});
