import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./generator.mjs', import.meta.url));

export interface LoadReport {
  readonly answered: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Each claim answered with 202, and when its request was sent (ms, real clock). */
  readonly claims: readonly (readonly [claimId: string, sentAtMs: number])[];
}

/** Requests (POST unless said) from a process of its own: at a fixed rate (open), or with so many in flight (closed). */
export function generateLoad(
  job: { url: string; method?: 'GET' | 'POST'; tokens: readonly string[]; body?: unknown; seconds: number } & (
    | { mode: 'open'; rate: number; firstToken: number }
    | { mode: 'closed'; inFlight: number }
  ),
): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(chunks).toString()) as LoadReport);
      else reject(new Error(`the load generator ended with ${code}`));
    });
    child.stdin.end(JSON.stringify(job));
  });
}
