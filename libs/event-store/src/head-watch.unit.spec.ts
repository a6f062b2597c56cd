import { getEventListeners } from 'node:events';
import { jest } from '@jest/globals';
import { HeadWatch } from './head-watch.js';

const LONG_MS = 60_000;

let watch: HeadWatch;
describe('the head of a log', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    watch = new HeadWatch();
  });
  afterEach(() => jest.useRealTimers());

  /** What a wait has come to so far. */
  async function soFar(wait: Promise<boolean>): Promise<boolean | 'waits'> {
    return Promise.race([wait, Promise.resolve('waits' as const)]);
  }

  it('knows how far the log has come, and takes no older news for newer', () => {
    expect(watch.head).toBe(0);
    watch.observe(5);
    watch.observe(3);
    expect(watch.head).toBe(5);
    watch.observe(6);
    expect(watch.head).toBe(6);
  });

  it('says at once that the log is past a place, and keeps nothing of who asked', async () => {
    watch.observe(5);
    expect(await soFar(watch.wait(4, LONG_MS))).toBe(true);
    expect([watch.waiting, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('wakes those whose place is passed, and only those', async () => {
    const waits = [4, 5, 6].map((after) => watch.wait(after, LONG_MS));
    expect(watch.waiting).toBe(3);
    watch.observe(5);
    expect(await Promise.all(waits.map(soFar))).toEqual([true, 'waits', 'waits']);
    expect(watch.waiting).toBe(2);
    watch.observe(5);
    expect(watch.waiting).toBe(2);
    watch.observe(9);
    expect(await Promise.all(waits)).toEqual([true, true, true]);
  });

  it('gives up when the time is over, not before', async () => {
    const wait = watch.wait(0, LONG_MS);
    jest.advanceTimersByTime(LONG_MS - 1);
    expect(await soFar(wait)).toBe('waits');
    jest.advanceTimersByTime(1);
    expect(await soFar(wait)).toBe(false);
    expect(watch.waiting).toBe(0);
  });

  it('does not begin to wait without time or with a signal that has come', async () => {
    for (const timeoutMs of [0, -1]) expect(await soFar(watch.wait(0, timeoutMs))).toBe(false);
    expect(await soFar(watch.wait(0, LONG_MS, AbortSignal.abort()))).toBe(false);
    expect([watch.waiting, jest.getTimerCount()]).toEqual([0, 0]);
    watch.observe(1);
    expect(await soFar(watch.wait(0, 0))).toBe(true);
  });

  it('gives up when the signal comes', async () => {
    const stopping = new AbortController();
    const [wait, other] = [watch.wait(0, LONG_MS, stopping.signal), watch.wait(0, LONG_MS)];
    stopping.abort();
    expect([await soFar(wait), await soFar(other)]).toEqual([false, 'waits']);
    expect(watch.waiting).toBe(1);
  });

  it.each([
    ['the log goes on', () => watch.observe(1), true],
    ['time is up', () => void jest.advanceTimersByTime(LONG_MS), false],
    ['it closes', () => watch.close(), false],
  ])('leaves neither a timer nor a listener behind when %s', async (_, end, answer) => {
    const { signal } = new AbortController();
    const waits = [watch.wait(0, LONG_MS, signal), watch.wait(0, LONG_MS)];
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    end();
    expect(await Promise.all(waits)).toEqual([answer, answer]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect([watch.waiting, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('waits again for what has to come again where it stands further back than was known', async () => {
    watch.observe(9);
    watch.reset(4);
    expect(watch.head).toBe(4);
    watch.reset(7);
    expect(watch.head).toBe(4);
    const wait = watch.wait(5, LONG_MS);
    expect(await soFar(wait)).toBe('waits');
    watch.observe(6);
    expect(await wait).toBe(true);
  });
});
