import { setTimeout as pause } from 'node:timers/promises';

/** A stop waits so long for a sweep under way. What it leaves is found by the next one. */
const STOP_MS = 300;

/** Runs a sweep now and then, one at a time; a failed one is an outage that the next may not meet. */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(
    private readonly sweep: () => Promise<void>,
    private readonly everyMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(firstMs = this.everyMs) {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.running = this.sweep()
        .catch(this.onError)
        .finally(() => this.start());
    }, firstMs);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await Promise.race([this.running, pause(STOP_MS, undefined, { ref: false })]);
  }
}
