// The page of a kiosk: one card, one person, two minutes; everything by keyboard. docs/counter.md tells the flow.
import { both, show } from './screen.js';

const service = new URLSearchParams(location.search).get('service') ?? 'library';
const left = document.getElementById('left');
/** Set by the kiosk's own shell: { token, certificate(), sign(nonce) }. In the test profile a simulated one is served. */
const reader = globalThis.tsunaguReader ?? (await (await import('./simulated-reader.js')).simulatedReader());
const terminalId = JSON.parse(atob(reader.token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).sub;

let session;
let ticking;

class Refused extends Error {
  constructor(problem) {
    super(problem.code);
    this.problem = problem;
  }
}

async function call(method, path, body, headers = {}) {
  const response = await fetch(`/identity/v1${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      'accept-language': 'ja',
      authorization: `Bearer ${reader.token}`,
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = response.status === 204 ? undefined : await response.json();
  if (!response.ok) throw new Refused(answer);
  return answer;
}

/** A challenge for just this act, signed by the card that lies in the reader now. */
async function proofFor(purpose, operation) {
  const { challengeId, nonce } = await call('POST', '/challenges', { purpose, operation });
  return { challengeId, signature: await reader.sign(nonce) };
}

async function tap() {
  const proof = await proofFor('terminal_session', { terminalId });
  session = await call('POST', '/terminal-sessions', { ...proof, certificate: await reader.certificate() });
  clearInterval(ticking);
  ticking = setInterval(tick, 250);
  tick();
  menu();
}

function tick() {
  const seconds = Math.ceil((Date.parse(session.expiresAt) - serverNow()) / 1_000);
  if (seconds <= 0) return end();
  left.replaceChildren(both(`あと ${seconds} 秒`, `${seconds} seconds left`));
}

/** The terminal's clock may be wrong: what counts is how long ago the session was opened. */
function serverNow() {
  session.openedAt ??= performance.now();
  return Date.parse(session.expiresAt) - 120_000 + (performance.now() - session.openedAt);
}

function start() {
  show({
    title: both('カードを置いてください', 'Place your card'),
    choices: [{ key: '1', label: both('カードを置きました', 'The card is in place'), run: tap }],
  });
}

function menu() {
  show({
    title: both('何をしますか', 'What would you like to do?'),
    choices: [
      { key: '1', label: both('サービスカードを登録する', 'Register a service card'), run: typeNumber },
      { key: '2', label: both('登録した番号を見る', 'See the registered number'), run: lookUp },
      { key: '9', label: both('終わる', 'Finish'), run: end },
    ],
  });
}

function typeNumber() {
  show({
    title: both('サービスカードの番号', 'The number on the service card'),
    input: { name: 'serviceId', run: (serviceId) => (serviceId === '' ? typeNumber() : compare(serviceId)) },
    choices: [{ key: 'Escape', label: both('戻る', 'Back'), run: menu }],
  });
}

function compare(serviceId) {
  show({
    title: both('この番号で合っていますか', 'Is this the number?'),
    number: serviceId,
    text: both('登録するには、もう一度カードを置いてください', 'To register it, place your card once more'),
    choices: [
      { key: '1', label: both('カードを置いて登録する', 'Card in place: register'), run: () => register(serviceId) },
      { key: '2', label: both('番号を直す', 'Correct the number'), run: typeNumber },
      { key: '9', label: both('やめる', 'Stop'), run: end },
    ],
  });
}

async function register(serviceId) {
  const { terminalSessionId } = session;
  const proof = await proofFor('register_membership', { service, serviceId, terminalSessionId });
  const order = { service, serviceId, terminalSessionId, proof };
  await call('POST', '/memberships', order, { 'idempotency-key': crypto.randomUUID() });
  done(both('登録しました', 'Registered'), serviceId);
}

/** The card is held, its PIN not asked for. */
async function lookUp() {
  const { challengeId } = await call('POST', '/challenges', { purpose: 'lookup_membership', operation: { service } });
  const certificate = await reader.certificate();
  const { serviceId } = await call('POST', '/memberships/lookup', { service, challengeId, certificate });
  done(both('登録されている番号', 'The registered number'), serviceId);
}

function done(title, number) {
  show({
    title,
    number,
    choices: [{ key: '9', label: both('カードを取って終わる', 'Take the card and finish'), run: end }],
  });
}

/** Also where the session is over already: the next person begins at the start. */
async function end() {
  clearInterval(ticking);
  left.replaceChildren();
  const ended = session;
  session = undefined;
  start();
  if (ended) await call('DELETE', `/terminal-sessions/${ended.terminalSessionId}`).catch(() => undefined);
}

/** What went wrong, in the words of the error catalogue. */
addEventListener('unhandledrejection', ({ reason }) => {
  const { title, next, code } = reason.problem ?? { title: '通信できません', next: 'No connection', code: '' };
  show({
    title: both(title, code),
    text: both(next, ''),
    refused: true,
    choices: [
      ...(session ? [{ key: '1', label: both('戻る', 'Back'), run: menu }] : []),
      { key: '9', label: both('終わる', 'Finish'), run: end },
    ],
  });
});

start();
