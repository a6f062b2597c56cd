// One card, one person, two minutes. What the page knows of the person lives here, and is gone at the end.
import { both } from './screen.js';

const left = document.getElementById('left');
const secondsMax = 120;

/**
 * Set by the kiosk's own shell: { token, certificate(), sign(nonce) }. It dispatches `tsunagu-card-removed` on the window
 * when the card leaves the reader. In the test profile a simulated one is served.
 */
const reader = globalThis.tsunaguReader ?? (await (await import('./simulated-reader.js')).simulatedReader());
const terminalId = JSON.parse(atob(reader.token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).sub;

/** Changes whenever a session ends: what was begun before then is shown to nobody. */
let turn = 0;
let session;
let ticking;
let tellEnd;

/** A problem document of the platform's. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.code);
    this.problem = problem;
  }
}
export class CardUnread extends Error {}
/** The session ended while something was under way. */
export class Over extends Error {}

/** `tell` learns why a session ended: finished, removed or timed_out. */
export function whenOver(tell) {
  tellEnd = tell;
}

export function openSession() {
  return session;
}

async function unlessOver(work) {
  const mine = turn;
  const [settled] = await Promise.allSettled([work]);
  if (turn !== mine) throw new Over();
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

async function send(method, path, { token, body, headers = {} }) {
  const response = await fetch(path, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = response.status === 204 ? undefined : await response.json();
  if (!response.ok) throw new Refused(answer);
  return answer;
}

/** A call with the terminal's token. */
export function call(method, path, body, headers) {
  return unlessOver(send(method, path, { token: reader.token, body, headers }));
}

/** A call with the token that the person has at this terminal. */
export function callAsPerson(method, path, body, headers) {
  return unlessOver(send(method, path, { token: session.accessToken, body, headers }));
}

/** A POST that creates something, sent once. */
export const once = () => ({ 'idempotency-key': crypto.randomUUID() });

async function read(work) {
  return unlessOver(
    work.catch((cause) => {
      throw new CardUnread('', { cause });
    }),
  );
}

export function certificate() {
  return read(reader.certificate());
}

/** A challenge for just this act, signed by the card that lies in the reader now. */
export async function proofFor(purpose, operation) {
  const { challengeId, nonce } = await call('POST', '/identity/v1/challenges', { purpose, operation });
  return { challengeId, signature: await read(reader.sign(nonce)) };
}

export async function tap() {
  const proof = await proofFor('terminal_session', { terminalId });
  const body = { ...proof, certificate: await certificate() };
  session = await call('POST', '/identity/v1/terminal-sessions', body);
  clearInterval(ticking);
  // The terminal's clock may be wrong: what counts is how long ago the session was opened.
  const openedAt = performance.now();
  const tick = () => {
    const seconds = Math.ceil(secondsMax - (performance.now() - openedAt) / 1_000);
    if (seconds <= 0) return end('timed_out');
    left.replaceChildren(both(`あと ${seconds} 秒`, `${seconds} seconds left`));
  };
  ticking = setInterval(tick, 250);
  tick();
}

/** Also where the session is over already: the next person begins at the start. */
export function end(why = 'finished') {
  clearInterval(ticking);
  left.replaceChildren();
  turn += 1;
  const ended = session;
  session = undefined;
  tellEnd(why);
  if (!ended) return;
  const path = `/identity/v1/terminal-sessions/${ended.terminalSessionId}`;
  send('DELETE', path, { token: reader.token }).catch(() => undefined);
}

addEventListener('tsunagu-card-removed', () => {
  if (session) end('removed');
  else turn += 1;
});
