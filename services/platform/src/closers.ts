import { setTimeout as delay } from 'node:timers/promises';

/** Longer than any step takes that works: PostgreSQL is given ten seconds, a service four. */
const STEP_MS = 15_000;

/** What was started, to be stopped in the opposite order, each step given its chance whatever the others do. */
export class Closers {
  private readonly stack: { name: string; close: () => Promise<unknown> | unknown }[] = [];

  /** A step that takes longer than `stepMs` is left behind, so that a stop always comes to its end. */
  constructor(private readonly stepMs = STEP_MS) {}

  add(name: string, close: () => Promise<unknown> | unknown): void {
    this.stack.push({ name, close });
  }

  async closeAll(): Promise<void> {
    for (let step = this.stack.pop(); step; step = this.stack.pop()) {
      const given = new AbortController();
      try {
        await Promise.race([step.close(), this.tooLong(given.signal)]);
      } catch (error) {
        console.error(`${step.name} did not stop cleanly: ${(error as Error).message}`);
      } finally {
        given.abort();
      }
    }
  }

  private async tooLong(signal: AbortSignal): Promise<void> {
    const isOver = await delay(this.stepMs, true, { signal }).catch(() => false);
    if (isOver) throw new Error(`it took longer than ${this.stepMs} ms`);
  }
}
