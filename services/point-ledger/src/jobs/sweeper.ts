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
    await this.running;
  }
}
