/** `npm run prove -- --programmes 1000000 [--seed N]`: random programmes against the reference ledger, on every core. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { prove } from './proving.js';

const PROGRESS_MS = 5_000;

if (isMainThread) await main();
else {
  const { count, seed } = workerData as { count: number; seed: number };
  parentPort?.postMessage(
    await prove({ count, seed, onProgress: (done) => parentPort?.postMessage({ programmes: done }) }),
  );
}

async function main() {
  const { values } = parseArgs({ options: { programmes: { type: 'string' }, seed: { type: 'string' } } });
  const count = Number(values.programmes ?? 10_000);
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
  console.log(`${count} programmes, seeds from ${seed}`);
  const threads = availableParallelism();
  const share = Math.ceil(count / threads);
  const done = new Map<number, number>();
  const startedAt = performance.now();
  const timer = setInterval(() => console.log(report(done, startedAt)), PROGRESS_MS);
  const ends = await Promise.all(
    Array.from({ length: threads }, (_, index) => {
      const mine = { count: Math.max(0, Math.min(share, count - index * share)), seed: seed + index * share };
      return new Promise<string | undefined>((resolve, reject) => {
        const thread = new Worker(new URL(import.meta.url), { workerData: mine });
        let failure: string | undefined;
        thread.on('message', (message: { programmes: number; failure?: string }) => {
          done.set(index, message.programmes);
          failure = message.failure ?? failure;
        });
        thread.on('error', reject).on('exit', () => resolve(failure));
      });
    }),
  );
  clearInterval(timer);
  console.log(report(done, startedAt));
  const failures = ends.filter((failure) => failure !== undefined);
  for (const failure of failures) console.error(`\nThe ledger and the reference differ: ${failure}`);
  if (failures.length === 0) console.log('Every programme ends as the reference says.');
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function report(done: ReadonlyMap<number, number>, startedAt: number): string {
  const programmes = [...done.values()].reduce((sum, one) => sum + one, 0);
  const seconds = (performance.now() - startedAt) / 1000;
  return `${programmes} programmes in ${seconds.toFixed(0)} s (${Math.round(programmes / seconds)}/s)`;
}
