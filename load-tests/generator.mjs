// A load generator in a process of its own, lean enough for two cores: reads one JSON job on stdin, prints one JSON report.
//   open:   sends at a fixed rate whatever comes back (arrivals do not wait for answers)
//   closed: keeps so many requests in flight
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 5;
const SOCKETS_MAX = 512;
const ANSWER_WAIT_MS = 30_000;

const job = JSON.parse(await text(process.stdin));
const target = new URL(job.url);
const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, scheduling: 'lifo' });
const body = job.method === 'GET' ? undefined : Buffer.from(JSON.stringify(job.body ?? {}));
const latenciesMs = [];
const statuses = {};
const claims = [];
let failed = 0;

function send(index) {
  const startedAt = Date.now();
  const begun = performance.now();
  return new Promise((resolve) => {
    const call = request(
      {
        agent,
        host: target.hostname,
        port: target.port,
        path: target.pathname,
        method: job.method ?? 'POST',
        timeout: ANSWER_WAIT_MS,
        headers: {
          authorization: `Bearer ${job.tokens[index % job.tokens.length]}`,
          ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
        },
      },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => {
          latenciesMs.push(performance.now() - begun);
          statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
          if (answer.statusCode === 202) claims.push([JSON.parse(Buffer.concat(chunks).toString()).claimId, startedAt]);
          resolve();
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', () => {
      failed += 1;
      resolve();
    });
    call.end(body);
  });
}

async function open({ rate, seconds }) {
  const begun = performance.now();
  const total = Math.floor(rate * seconds);
  const running = new Set();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate));
    for (; sent < due; sent += 1) {
      const one = send(job.firstToken + sent).finally(() => running.delete(one));
      running.add(one);
    }
    await delay(TICK_MS);
  }
  await Promise.all(running);
}

async function closed({ inFlight, seconds }) {
  const until = performance.now() + seconds * 1000;
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) await send(next++);
    }),
  );
}

const begun = performance.now();
await (job.mode === 'open' ? open(job) : closed(job));
const elapsedSeconds = (performance.now() - begun) / 1000;
agent.destroy();
latenciesMs.sort((a, b) => a - b);
const at = (share) => latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(share * latenciesMs.length))] ?? 0;
console.log(
  JSON.stringify({
    answered: latenciesMs.length,
    failed,
    statuses,
    perSecond: latenciesMs.length / elapsedSeconds,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    claims,
  }),
);
