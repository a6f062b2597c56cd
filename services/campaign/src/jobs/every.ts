import type { Logger } from 'pino';

/**
 * Runs a job again and again with a pause between the rounds (real clock). A round that fails is logged and the next one comes all
 * the same. `stop` waits for the round at hand.
 */
export function every(
  pauseMs: number,
  name: string,
  logger: Logger,
  run: () => Promise<void>,
): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();
  const next = () => {
    round = run()
      .catch((error: unknown) => {
        logger.warn(
          { job: name, error: error instanceof Error ? error.name : typeof error },
          'a round of a job failed',
        );
      })
      .then(() => {
        if (!stopped) timer = setTimeout(next, pauseMs).unref();
      });
  };
  timer = setTimeout(next, pauseMs).unref();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
