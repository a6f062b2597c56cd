import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PostgresStartError } from './place.js';

/**
 * One process owns a data directory at a time. The lock names the process and when it started, so that the lock of a
 * killed process is recognised even when its id was given to another. Waits up to `waitMs` for an owner that is stopping.
 */
export async function lockDirectory(directory: string, waitMs: number): Promise<() => void> {
  const file = join(directory, 'owner');
  const mine = `${process.pid} ${startOf(process.pid)}\n`;
  const until = Date.now() + waitMs;
  for (;;) {
    if (claim(file, mine)) return () => release(file, mine);
    const holder = read(file);
    if (holder === undefined) continue;
    if (isAlive(holder)) {
      if (Date.now() > until) {
        throw new PostgresStartError(`The data directory ${directory} is in use by process ${holder.split(' ')[0]}.`);
      }
      await delay(50);
    } else {
      discard(file, holder);
    }
  }
}

/** Stops the server that a killed owner left behind, so that the data directory is free. */
export async function stopLeftBehind(dataDirectory: string, waitMs: number): Promise<boolean> {
  const pidFile = join(dataDirectory, 'postmaster.pid');
  const until = Date.now() + waitMs;
  let signalled = false;
  for (;;) {
    const pid = Number(read(pidFile)?.split('\n')[0]);
    if (!Number.isInteger(pid) || pid <= 1) return signalled;
    const command = commandOf(pid);
    // No such process, or another program under a recycled id: PostgreSQL itself removes the file when it starts.
    if (command === undefined || (command !== '' && !command.includes(dataDirectory))) return signalled;
    // An empty command line is a process on its way out: only waited for.
    if (command !== '' && !signalled) {
      process.kill(pid, 'SIGINT');
      signalled = true;
    }
    if (Date.now() > until) {
      throw new PostgresStartError(
        `PostgreSQL process ${pid} of an earlier start does not stop; end it and start again.`,
      );
    }
    await delay(5);
  }
}

/** `link` is atomic and refuses an existing name, so nobody ever reads a half-written lock. */
function claim(file: string, mine: string): boolean {
  const own = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(own, mine);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function release(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

/** Moves a dead owner's lock away; when another starter was quicker and the lock is a new one, it is put back. */
function discard(file: string, holder: string): void {
  const away = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, away);
  } catch {
    return;
  }
  if (read(away) !== holder && !existsSync(file)) linkSync(away, file);
  rmSync(away, { force: true });
}

function isAlive(holder: string): boolean {
  const [pid, start] = holder.trim().split(' ');
  const now = startOf(Number(pid));
  return now !== '' && now === start;
}

/** When a process started, in the system's own words; empty when there is none. */
function startOf(pid: number): string {
  if (process.platform === 'linux') {
    const stat = read(`/proc/${pid}/stat`);
    // proc(5): fields after the command in parentheses; the 20th of them is starttime, the 1st the state.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields === undefined || fields[0] === 'Z' ? '' : (fields[19] ?? '');
  }
  return alive(pid) ? (ps(pid, 'lstart') ?? 'unknown').replaceAll(' ', '_') : '';
}

/** Undefined when there is no such process. */
function commandOf(pid: number): string | undefined {
  if (!alive(pid)) return undefined;
  if (process.platform === 'linux') return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
  return ps(pid, 'command');
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ps(pid: number, field: string): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
