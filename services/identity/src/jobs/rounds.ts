/** Runs a job again and again (real clock), and never a round beside another. The job itself says what went wrong in a round. */
export class Rounds {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  start(everyMs: number, round: () => Promise<void>): void {
    this.timer = setInterval(() => {
      this.running ??= round().finally(() => {
        this.running = undefined;
      });
    }, everyMs).unref();
  }

  /** Waits for the round at hand. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}
