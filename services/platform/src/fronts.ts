import { setTimeout as delay } from 'node:timers/promises';
import type { Closers } from './closers.js';
import { docsPage } from './docs-page.js';
import { type Backend, createFront, type FrontOptions, type Handler, reasonsOf } from './front.js';
import { listen, stopListening } from './listening.js';
import { sendProblem } from './problem-answer.js';
import { definitions } from './services.js';
import { type Settings, UserError } from './settings.js';

/** The public port and the internal one. They listen from the first moment of a start, so that a port in use is told at once. */
export interface Fronts {
  readonly url: string;
  readonly internalUrl: string;
  add(backend: Backend): void;
  addHandlers(handlers: {
    publicHandlers: ReadonlyMap<string, Handler>;
    internalHandlers: ReadonlyMap<string, Handler>;
  }): void;
  /** Resolves when every service says that it is ready; rejects with the reasons when that takes too long. */
  ready(withinMs: number): Promise<void>;
  /** From now on an unknown address is 404. */
  complete(): void;
}

export async function openFronts(settings: Settings, closers: Closers): Promise<Fronts> {
  const backends: Backend[] = [];
  const open: FrontOptions = { backends, others: new Map(), internal: false, complete: false };
  const inside: FrontOptions = { backends, others: new Map(), internal: true, complete: false };
  const files: Handler = (request, response) => {
    const [first] = backends;
    if (first) first.handle(request, response);
    else sendProblem(request, response, 'service.unavailable');
  };
  const names = definitions.map(({ name }) => name);
  open.others.set('docs', docsPage(names, files));
  const publicFront = createFront(open);
  await listen(publicFront, settings.host, settings.port);
  closers.add('the public port', () => stopListening(publicFront));
  const internalFront = createFront(inside);
  const internalPort = await listen(internalFront, '127.0.0.1', 0);
  closers.add('the internal port', () => stopListening(internalFront));
  return {
    url: `http://127.0.0.1:${settings.port}`,
    internalUrl: `http://127.0.0.1:${internalPort}`,
    add: (backend) => void backends.push(backend),
    addHandlers({ publicHandlers, internalHandlers }) {
      for (const [segment, handler] of publicHandlers) open.others.set(segment, handler);
      for (const [segment, handler] of internalHandlers) inside.others.set(segment, handler);
    },
    async ready(withinMs) {
      const until = Date.now() + withinMs;
      for (;;) {
        const reasons = await reasonsOf(backends);
        if (reasons.length === 0) return;
        if (Date.now() > until) throw new UserError(`Not ready within ${withinMs / 1000} s: ${reasons.join('; ')}`);
        await delay(50);
      }
    },
    complete() {
      // What is added last closes first: no new request comes in while the services finish theirs.
      closers.add('the public port', () => stopListening(publicFront));
      open.complete = true;
      inside.complete = true;
    },
  };
}
