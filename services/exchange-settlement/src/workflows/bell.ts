import { Injectable } from '@nestjs/common';

/** Another process may record the step that is waited for: looked at again so often, on the real clock. */
const pollMs = 250;

/**
 * Wakes the calls that wait for one exchange, and only those. Waiting on the log instead would wake every waiting call at every
 * append of the service: with a hundred exchanges on their way, hundreds of reads for each step of one.
 */
@Injectable()
export class Bell {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** A step of the exchange was recorded by this process. */
  ring(exchangeId: string): void {
    for (const wake of this.#waiting.get(exchangeId) ?? []) wake();
  }

  /** Probes until the value is `done`, for at most `seconds` (real clock); then gives what there is. */
  async until<T>(
    exchangeId: string,
    probe: () => Promise<T>,
    done: (value: T) => boolean,
    seconds: number,
  ): Promise<T> {
    const deadline = performance.now() + seconds * 1_000;
    for (;;) {
      // Listening before the probe, so that a step recorded meanwhile is heard.
      const next = this.#listen(exchangeId);
      try {
        const value = await probe();
        const left = deadline - performance.now();
        if (done(value) || left <= 0) return value;
        await next.rung(Math.min(left, pollMs));
      } finally {
        next.stop();
      }
    }
  }

  #listen(exchangeId: string): { rung(ms: number): Promise<void>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(exchangeId) ?? new Set();
    this.#waiting.set(exchangeId, waiting.add(resolve));
    let timer: NodeJS.Timeout | undefined;
    return {
      rung: (ms) => {
        timer = setTimeout(resolve, ms);
        return promise;
      },
      stop: () => {
        clearTimeout(timer);
        waiting.delete(resolve);
        if (waiting.size === 0) this.#waiting.delete(exchangeId);
      },
    };
  }
}
