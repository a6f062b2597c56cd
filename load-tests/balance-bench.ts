import { alternate, type BenchRow } from '@tsunagu/event-store/bench';
import { generateLoad } from './generate-load.js';
import { type ServiceProcess, startServiceProcess } from './service-process.js';

const IN_FLIGHT = 64;
const SECONDS = 4;

/** Balances read by HTTP, each folded from the account's own stream, beside an authenticated GET that does nothing. */
export async function balanceRows(postgresUrl: string): Promise<BenchRow[]> {
  const ledger = await startServiceProcess('balance-service.ts', postgresUrl);
  const empty = await startServiceProcess('empty-service.ts', postgresUrl);
  try {
    const [measured, limit] = await alternate([() => readsPerSecond(ledger), () => readsPerSecond(empty)]);
    if (!measured || !limit) throw new Error('balance reads were not measured');
    return [
      {
        name: 'balance read by HTTP',
        unit: 'requests/s',
        measured,
        against: 'an empty authenticated GET',
        limit,
        ratio: measured.median / limit.median,
        bar: 0.6,
        aim: 0.6,
      },
    ];
  } finally {
    await ledger.stop();
    await empty.stop();
  }
}

async function readsPerSecond({ url, tokens }: ServiceProcess): Promise<number> {
  const report = await generateLoad({
    mode: 'closed',
    method: 'GET',
    url,
    tokens,
    inFlight: IN_FLIGHT,
    seconds: SECONDS,
  });
  if (report.statuses['200'] !== report.answered) throw new Error(`a GET answered ${JSON.stringify(report.statuses)}`);
  return report.perSecond;
}
