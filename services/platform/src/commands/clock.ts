import { isoTime } from '@tsunagu/kernel';
import { type Command, durationMs } from '../command.js';
import { withData } from '../reach.js';
import { moveClock, readClock } from '../stored-clock.js';

export const clock: Command = {
  help: `Usage: npx tsunagu clock                  shows the platform's time and its offset to real time
       npx tsunagu clock --forward 1d     moves it forward (90s, 10m, 6h, 1d); running processes follow within a second

Test profile only.`,
  options: { forward: { type: 'string' } },
  async run({ values, settings }) {
    const byMs = durationMs(values, 'forward');
    return withData(settings, async ({ databases }) => {
      if (byMs !== undefined) await moveClock(databases, byMs);
      const { offsetMs, nowMs } = await readClock(databases);
      console.log(
        `${isoTime(nowMs)}   (${offsetMs === 0 ? 'real time' : `real time ${offsetMs < 0 ? '−' : '+'} ${Math.abs(offsetMs) / 1000} s`})`,
      );
      return 0;
    });
  },
};
