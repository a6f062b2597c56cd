interface Waiter {
  readonly after: number;
  readonly done: (reached: boolean) => void;
}

/** How far a log is known to have come, and who waits for it to come further. */
export class HeadWatch {
  private readonly waiters = new Set<Waiter>();
  private known = 0;

  get head(): number {
    return this.known;
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** The head is at least here: wakes those who wait for it. Older news is ignored. */
  observe(position: number): void {
    if (position <= this.known) return;
    this.known = position;
    for (const waiter of this.waiters) if (position > waiter.after) waiter.done(true);
  }

  /** True once the head is past `after`, false after `timeoutMs` or when the signal aborts. */
  wait(after: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.known > after) return Promise.resolve(true);
    if (timeoutMs <= 0 || signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const giveUp = () => waiter.done(false);
      const timer = setTimeout(giveUp, timeoutMs);
      const waiter: Waiter = {
        after,
        done: (reached) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
          this.waiters.delete(waiter);
          resolve(reached);
        },
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.waiters.add(waiter);
    });
  }

  /** It stands further back than was known: what is waited for has yet to come again. */
  reset(position: number): void {
    this.known = Math.min(this.known, position);
  }

  /** Ends every wait with false. */
  close(): void {
    for (const waiter of this.waiters) waiter.done(false);
  }
}
