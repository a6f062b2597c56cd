import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { RecentMap } from '@tsunagu/kernel';
import { answerAt, packed, type SignatureAnswer, type SignatureCheck, type ThreadAnswers } from './signature-work.js';
import type { TrustedAuthority } from './trusted-authorities.js';

export interface SignatureThreadsOptions {
  readonly threads?: number;
  /** Checks that wait or are under way, in all threads together. */
  readonly checksMax?: number;
  /** `workerData`: what the thread needs. */
  readonly openWorker?: (workerData: unknown, name: string) => Worker;
}

interface Asked {
  readonly check: SignatureCheck;
  resolve(answer: SignatureAnswer | undefined): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Asked[];
  /** Messages whose answers are awaited, in order: some, so that the thread works on while this one does other things. */
  readonly underWay: (readonly Asked[])[];
}

/** A check of the slowest profile (P-384) takes up to 2.5 ms: the last in a full queue waits about a second. */
const checksPerThreadMax = 500;
/** Checks in one message: so few that another thread's are not held up behind them. */
const batchMax = 32;
const batchesUnderWayMax = 4;
const knownMax = 10_000;
const entryPoint = new URL('../../bin/signature-thread.mjs', import.meta.url);

/**
 * Worker threads that check signatures, behind a bounded queue, so that the thread that serves requests only reads and answers. Our own, not
 * a pool library's: those send one message a task, which costs the serving thread as much as reading a certificate does.
 *
 * Also remembers, by the hash of a certificate, that its authority's key signed it. The memory ends with the process, as the set of
 * authorities does; validity and revocation are never remembered here.
 */
export class SignatureThreads implements OnModuleInit, OnModuleDestroy {
  private readonly threads: (Thread | undefined)[];
  private readonly checksMax: number;
  private readonly known = new RecentMap<string, { readonly authority: TrustedAuthority; readonly thread: number }>(
    knownMax / 2,
  );
  private readonly authorityFiles: readonly Uint8Array[];
  private readonly openWorker: (workerData: unknown, name: string) => Worker;
  private checks = 0;
  private closed = false;

  constructor(
    private readonly authorities: readonly TrustedAuthority[],
    { threads = availableParallelism(), checksMax, openWorker = openThread }: SignatureThreadsOptions = {},
  ) {
    this.threads = Array.from({ length: threads });
    this.checksMax = checksMax ?? threads * checksPerThreadMax;
    this.openWorker = openWorker;
    this.authorityFiles = authorities.map(({ certificate }) => new Uint8Array(certificate.raw));
  }

  /** The threads are there before the first request needs them. */
  onModuleInit(): void {
    for (const index of this.threads.keys()) this.thread(index);
  }

  async onModuleDestroy(): Promise<void> {
    this.closed = true;
    await Promise.all(this.threads.map((thread) => thread?.worker.terminate()));
  }

  /**
   * The answers in order; undefined when the queue is full or a thread broke off. `authority`: whose key shall have signed the
   * certificate, undefined: no one's.
   */
  async check(
    presented: readonly (Omit<SignatureCheck, 'authority'> & { readonly authority: TrustedAuthority | undefined })[],
  ): Promise<readonly SignatureAnswer[] | undefined> {
    if (this.closed || this.checks + presented.length > this.checksMax) return undefined;
    const answers = await Promise.all(
      presented.map(async ({ authority, ...check }) => {
        const known = this.known.get(check.hash);
        const isKnown = known !== undefined && known.authority === authority;
        const asked = isKnown || !authority ? null : this.authorities.indexOf(authority);
        const thread = known?.thread ?? this.freest();
        const answer = await this.ask(thread, { ...check, authority: asked });
        if (!answer || isKnown) return answer && { ...answer, chainHolds: answer.messageHolds };
        if (answer.chainHolds && authority) this.known.set(check.hash, { authority, thread });
        return answer;
      }),
    );
    const given = answers.filter((answer) => answer !== undefined);
    return given.length === answers.length ? given : undefined;
  }

  /** Whether a certificate's chain is remembered. */
  knows(hash: string): boolean {
    return this.known.get(hash) !== undefined;
  }

  /** What was revoked is not known any more. */
  forget(hash: string): void {
    this.known.delete(hash);
  }

  private ask(index: number, check: SignatureCheck): Promise<SignatureAnswer | undefined> {
    this.checks += 1;
    return new Promise((resolve) => {
      const thread = this.thread(index);
      thread.waiting.push({
        check,
        resolve: (answer) => {
          this.checks -= 1;
          resolve(answer);
        },
      });
      // Once the requests that came together are all here.
      if (thread.waiting.length === 1) setImmediate(() => this.send(thread));
    });
  }

  private send({ worker, waiting, underWay }: Thread): void {
    while (waiting.length > 0 && underWay.length < batchesUnderWayMax) {
      const batch = waiting.splice(0, batchMax);
      underWay.push(batch);
      const questions = packed(batch.map(({ check }) => check));
      worker.postMessage(questions, [questions.bytes.buffer]);
    }
  }

  private freest(): number {
    let freest = 0;
    for (const index of this.threads.keys()) if (this.load(index) < this.load(freest)) freest = index;
    return freest;
  }

  private load(index: number): number {
    const thread = this.threads[index];
    return thread ? thread.waiting.length + thread.underWay.reduce((sum, { length }) => sum + length, 0) : 0;
  }

  private thread(index: number): Thread {
    const running = this.threads[index];
    if (running) return running;
    const worker = this.openWorker(this.authorityFiles, `verification-${index}`);
    worker.unref();
    const thread: Thread = { worker, waiting: [], underWay: [] };
    worker.on('message', (answers: ThreadAnswers) => {
      const answered = thread.underWay.shift() ?? [];
      this.send(thread);
      for (const [at, { resolve }] of answered.entries()) resolve(answerAt(answers, at));
    });
    // The exit follows; the next check opens another thread.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.threads[index] === thread) this.threads[index] = undefined;
      for (const { resolve } of [...thread.underWay.flat(), ...thread.waiting]) resolve(undefined);
    });
    this.threads[index] = thread;
    return thread;
  }
}

function openThread(workerData: unknown, name: string): Worker {
  return new Worker(entryPoint, { name, workerData, execArgv: ['--disable-warning=ExperimentalWarning'] });
}
