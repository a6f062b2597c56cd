import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../src/api-client.js';
import { freePort } from '../src/listening.js';

const command = fileURLToPath(new URL('../bin/tsunagu.mjs', import.meta.url));
const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 60_000;

export interface CommandRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A platform started as its user starts it: the command in a process of its own, a data directory and a port of its own. */
export class PlatformProcess {
  private child: ChildProcess | undefined;
  output = '';

  private constructor(
    readonly dataDirectory: string,
    readonly port: number,
    private readonly startArguments: readonly string[],
    /** What the next start and command find in theirs. */
    public environment: Readonly<Record<string, string>>,
    private readonly readyWithinMs: number,
  ) {}

  static async create(
    options: {
      startArguments?: string[];
      environment?: Readonly<Record<string, string>>;
      readyWithinMs?: number;
      /** Of data that are there already; a new one where absent. */
      dataDirectory?: string;
    } = {},
  ) {
    const directory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'tsunagu-e2e-'));
    // Enterable, so that PostgreSQL, which runs as another user where we are root, keeps its files here and they go with it.
    chmodSync(directory, 0o755);
    const { startArguments = [], environment = {}, readyWithinMs = READY_WITHIN_MS } = options;
    return new PlatformProcess(directory, await freePort(), startArguments, environment, readyWithinMs);
  }

  get api(): ApiClient {
    return new ApiClient(`http://127.0.0.1:${this.port}`);
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the platform is not running');
    return this.child.pid;
  }

  /** Resolves when it says that it is ready; rejects with its output when it ends before. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [command, 'start', ...this.startArguments], {
      env: this.env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready in time:\n${this.output}`)), this.readyWithinMs);
      const onData = (chunk: Buffer) => {
        this.output += chunk.toString();
        if (this.output.includes('Ready after')) {
          clearTimeout(timer);
          resolve();
        }
      };
      child.stdout.on('data', onData);
      child.stderr.on('data', onData);
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`ended with ${code}:\n${this.output}`));
      });
    });
  }

  /** Sends a signal and waits for the end: its exit code, or the signal's name. Rejects with its output when that does not come. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    const { child } = this;
    this.child = undefined;
    if (child && isRunning(child)) {
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOPPED_WITHIN_MS) });
      child.kill(signal);
      await ended.catch((cause) => {
        child.kill('SIGKILL');
        throw new Error(`not stopped in time:\n${this.output}`, { cause });
      });
    }
    this.output = '';
    return child ? (child.exitCode ?? child.signalCode ?? 'unknown') : 0;
  }

  /** Waits until it ends by itself: its exit code, or the signal's name, and what it said. */
  async end(): Promise<{ readonly code: number | string; readonly output: string }> {
    const child = this.child;
    if (!child) throw new Error('the platform is not running');
    if (isRunning(child)) await once(child, 'exit');
    const ended = { code: child.exitCode ?? child.signalCode ?? 'unknown', output: this.output };
    await this.stop();
    return ended;
  }

  /** Runs `tsunagu ARGS` against this platform. */
  run(...args: string[]): Promise<CommandRun> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [command, ...args],
        { env: this.env(), maxBuffer: 256 * 1024 * 1024 },
        (error, stdout, stderr) => {
          const code = error ? Number((error as { code?: unknown }).code ?? 1) : 0;
          resolve({ code, stdout, stderr });
        },
      );
    });
  }

  /** Runs `tsunagu ARGS` and closes its output after the first of it, as `| head` does. */
  runUntilRead(...args: string[]): Promise<Omit<CommandRun, 'stdout'>> {
    const child = spawn(process.execPath, [command, ...args], { env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdout.once('data', () => child.stdout.destroy());
    return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 1, stderr })));
  }

  /** A token of the command line, one a line. */
  async tokens(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.run('token', ...args);
    if (code !== 0) throw new Error(`token ${args.join(' ')}: ${stderr}`);
    return stdout.trim().split('\n');
  }

  async token(role: string, ...more: string[]): Promise<string> {
    const [token = ''] = await this.tokens('--role', role, ...more);
    return token;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  private env(): NodeJS.ProcessEnv {
    const { PORT, TSUNAGU_URL, TSUNAGU_CLOCK, ...rest } = process.env;
    return { ...rest, PORT: String(this.port), TSUNAGU_DATA: this.dataDirectory, ...this.environment };
  }
}

/** One that a signal ended has no exit code. */
function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
