import { ShortBreak } from './short-break.js';

const breakMs = 1_000;

function made() {
  const time = { ms: 0 };
  let asked = 0;
  let works = true;
  const pause = new ShortBreak(breakMs, () => time.ms);
  const question = async () => {
    asked += 1;
    if (!works) throw new Error('no answer');
    return 'answer';
  };
  const ask = () => pause.ask(question).catch((error: Error) => error.message);
  return { pause, time, ask, asked: () => asked, set: (now: boolean) => (works = now) };
}

describe('a short break', () => {
  it('lets everybody ask while there are answers', async () => {
    const { ask, asked } = made();
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['answer', 'answer', 'answer']);
    expect(asked()).toBe(3);
  });

  it('lets nobody ask after a failure until its time is over, whoever was asking then fails too', async () => {
    const { ask, asked, set, time } = made();
    set(false);
    expect(await Promise.all([ask(), ask()])).toEqual(['no answer', 'no answer']);
    set(true);
    time.ms = breakMs - 1;
    expect([await ask(), await ask(), asked()]).toEqual([undefined, undefined, 2]);
    time.ms = breakMs;
    expect([await ask(), await ask()]).toEqual(['answer', 'answer']);
  });

  it('lets one try when its time is over, the others go without, and a failure begins the next', async () => {
    const { ask, asked, set, time } = made();
    set(false);
    await ask();
    time.ms = breakMs;
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['no answer', undefined, undefined]);
    expect(asked()).toBe(2);
    time.ms = 2 * breakMs - 1;
    expect([await ask(), asked()]).toEqual([undefined, 2]);
    time.ms = 2 * breakMs;
    set(true);
    expect([await ask(), asked()]).toEqual(['answer', 3]);
  });
});
