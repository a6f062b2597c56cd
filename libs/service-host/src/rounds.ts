/** Runs a job again and again (real clock), and never a round beside another. The job itself says what went wrong in a round. */
export class Rounds {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private round: (() => Promise<void>) | undefined;

  start(everyMs: number, round: () => Promise<void>): void {
    this.round = round;
    this.timer = setInterval(() => this.now(), everyMs).unref();
  }

  /** Begins a round at once, unless one is at hand. */
  now(): void {
    this.running ??= this.round?.().finally(() => {
      this.running = undefined;
    });
  }

  /** Waits for the round at hand. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.round = undefined;
    await this.running;
  }
}
