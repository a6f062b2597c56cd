// A launch rehearsal for k6: people claim at a fixed arrival rate (open model), look at their claim and at their points.
//   k6 run -e URL=… -e TOKENS=tokens.txt -e CAMPAIGN=… -e MEASURE=… -e RATE=200 -e SECONDS=20 load-tests/launch.js
// Each receipt is printed as one JSON line (`--console-output FILE`), for the checker that runs afterwards.
import { check } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http from 'k6/http';

const url = __ENV.URL || 'http://127.0.0.1:8080';
const rate = Number(__ENV.RATE || 200);
const seconds = Number(__ENV.SECONDS || 20);
const tokens = new SharedArray('tokens', () =>
  open(__ENV.TOKENS || '../tokens.txt')
    .trim()
    .split('\n'),
);

export const options = {
  discardResponseBodies: false,
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
  scenarios: {
    claims: {
      executor: 'constant-arrival-rate',
      exec: 'claim',
      rate,
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: Math.min(1000, rate),
      maxVUs: 2000,
    },
    // People who tap twice, or whose app repeats the call: the same receipt must come back.
    repeats: {
      executor: 'constant-arrival-rate',
      exec: 'repeat',
      rate: Math.max(1, Math.floor(rate / 10)),
      timeUnit: '1s',
      startTime: '2s',
      duration: `${Math.max(1, seconds - 2)}s`,
      preAllocatedVUs: 50,
      maxVUs: 500,
    },
    balances: {
      executor: 'constant-arrival-rate',
      exec: 'balance',
      rate: Math.max(1, Math.floor(rate / 5)),
      timeUnit: '1s',
      startTime: '2s',
      duration: `${Math.max(1, seconds - 2)}s`,
      preAllocatedVUs: 50,
      maxVUs: 500,
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    checks: ['rate>0.999'],
    'http_req_duration{scenario:claims}': ['p(99)<2000'],
    'http_req_duration{scenario:balances}': ['p(99)<2000'],
    dropped_iterations: ['count==0'],
  },
};

const claimPath = `${url}/campaign/v1/campaigns/${__ENV.CAMPAIGN}/claims`;
const body = JSON.stringify({ measureId: __ENV.MEASURE });

function post(person) {
  const token = tokens[person % tokens.length];
  const answer = http.post(claimPath, body, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    tags: { name: 'POST claims' },
  });
  const claim = answer.status === 202 || answer.status === 200 ? answer.json() : undefined;
  if (claim) {
    console.log(
      JSON.stringify({ person, status: answer.status, claimId: claim.claimId, receipt: claim.receipt.number }),
    );
  }
  return { answer, claim };
}

export function claim() {
  const { answer, claim } = post(exec.scenario.iterationInTest);
  check(answer, { 'a claim gets a receipt': () => claim !== undefined && claim.receipt.number !== '' });
}

export function repeat() {
  const { answer } = post(exec.scenario.iterationInTest % Math.max(1, rate));
  check(answer, { 'a repeated claim gets its receipt again': (r) => r.status === 200 || r.status === 202 });
}

export function balance() {
  const token = tokens[(exec.scenario.iterationInTest * 7) % tokens.length];
  const answer = http.get(`${url}/point-ledger/v1/accounts/me`, {
    headers: { authorization: `Bearer ${token}` },
    tags: { name: 'GET accounts/me' },
  });
  check(answer, { 'a balance is up to date': (r) => r.status === 200 && r.json('upToDate') === true });
}
