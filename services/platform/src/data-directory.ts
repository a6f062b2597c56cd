import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serviceNames } from '@tsunagu/contracts';
import { type LedgerLogs, oneLedgerLog } from './ledger-logs.js';
import { UserError } from './settings.js';

/** What a running platform leaves for the command line, in `running.json` (mode 0600). */
export interface Running {
  readonly pid: number;
  /** Start time of that process as the kernel counts it, so that a reused pid is not taken for it. */
  readonly processStart: string;
  readonly topology: 'embedded' | 'kafka';
  readonly url: string;
  readonly internalUrl: string;
  readonly postgresUrl: string;
  /** Internal base URL of each service. */
  readonly serviceUrls: Readonly<Record<string, string>>;
}

const PREDECESSOR_WAIT_MS = 15_000;

export class DataDirectory {
  readonly keys: string;
  readonly postgres: string;
  readonly issuer: string;
  readonly kafka: string;

  constructor(readonly path: string) {
    this.keys = join(path, 'keys');
    this.postgres = join(path, 'postgres');
    this.issuer = join(path, 'test-issuer');
    this.kafka = join(path, 'kafka');
  }

  create(): void {
    try {
      mkdirSync(this.path, { recursive: true });
      mkdirSync(this.keys, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new UserError(`The data directory ${this.path} cannot be made: ${(error as Error).message}`);
    }
  }

  /**
   * Claims the directory for this process. A predecessor that is still stopping is waited for, up to 15 s; one that is
   * running and stays is an error that says so.
   */
  async lock(): Promise<void> {
    const file = join(this.path, 'owner.json');
    const until = Date.now() + PREDECESSOR_WAIT_MS;
    let announced = false;
    for (;;) {
      try {
        writeFileSync(file, JSON.stringify(ownIdentity()), { flag: 'wx', mode: 0o600 });
        return;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const reason = code === 'ENOSPC' ? 'the disk is full.' : message;
        if (code !== 'EEXIST') throw new UserError(`The data directory ${this.path} cannot be written: ${reason}`);
      }
      const owner = readJson<{ pid: number; processStart: string; stopping?: boolean }>(file);
      if (owner === undefined || !isAlive(owner)) {
        rmSync(file, { force: true });
        continue;
      }
      if (!owner.stopping && !announced) {
        // A predecessor that has just got its signal may not have said so yet: give it a moment before refusing.
        await delay(500);
        announced = true;
        continue;
      }
      if (!owner.stopping || Date.now() > until) {
        throw new UserError(`A platform is already running on ${this.path} (process ${owner.pid}); stop it first.`);
      }
      await delay(50);
    }
  }

  markStopping(): void {
    try {
      replaceFile(join(this.path, 'owner.json'), { ...ownIdentity(), stopping: true });
    } catch {
      // A full disk may be why it stops, and does not keep it from that: a next start waits a moment less.
    }
    rmSync(join(this.path, 'running.json'), { force: true });
  }

  unlock(): void {
    rmSync(join(this.path, 'owner.json'), { force: true });
  }

  announce(running: Omit<Running, 'pid' | 'processStart'>): void {
    replaceFile(join(this.path, 'running.json'), { ...ownIdentity(), ...running });
  }

  /** The platform running on this directory, if there is one. */
  running(): Running | undefined {
    const running = readJson<Running>(join(this.path, 'running.json'));
    return running && isAlive(running) ? running : undefined;
  }

  /** Where the point ledger's logs lay at the last start. */
  ledgerLogs(): LedgerLogs {
    return readJson<LedgerLogs>(join(this.path, 'ledger-logs.json')) ?? oneLedgerLog;
  }

  /** For the command line and the next start; connection strings may hold passwords (mode 0600). */
  keepLedgerLogs(logs: LedgerLogs): void {
    replaceFile(join(this.path, 'ledger-logs.json'), logs);
  }

  /** Whether a platform has ever started here. */
  hasData(): boolean {
    return existsSync(join(this.path, 'database-passwords.json'));
  }

  /** Passwords of the database roles, made at first use. */
  passwords(): Readonly<Record<string, string>> {
    const file = join(this.path, 'database-passwords.json');
    const kept = readJson<Record<string, string>>(file) ?? {};
    const roles = ['tsunagu_owner', ...serviceNames.map(roleOf)];
    if (roles.every((role) => kept[role] !== undefined)) return kept;
    const all = Object.fromEntries(roles.map((role) => [role, kept[role] ?? randomBytes(24).toString('base64url')]));
    replaceFile(file, all);
    return all;
  }
}

/** The database role of a service: `tsunagu_point_ledger`. */
export function roleOf(service: string): string {
  return `tsunagu_${service.replaceAll('-', '_')}`;
}

function ownIdentity(): { pid: number; processStart: string } {
  return { pid: process.pid, processStart: processStart(process.pid) };
}

function isAlive(process: { pid: number; processStart: string }): boolean {
  return processStart(process.pid) === process.processStart && process.processStart !== '';
}

/** Field 22 of /proc/PID/stat, empty for a zombie or no process; where there is no /proc, `running` while signals reach it. */
function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    if (process.platform === 'linux') return '';
    try {
      process.kill(pid, 0);
      return 'running';
    } catch {
      return '';
    }
  }
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

function replaceFile(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
