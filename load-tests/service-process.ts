import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ServiceProcess {
  readonly url: string;
  readonly tokens: readonly string[];
  stop(): Promise<void>;
}

/** A service of this folder in a process of its own, on the server named; it prints { url, tokens } when it listens. */
export async function startServiceProcess(program: string, postgresUrl: string): Promise<ServiceProcess> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', '--import', './tools/hook.mjs', `load-tests/${program}`],
    {
      cwd: new URL('..', import.meta.url),
      env: { ...process.env, TSUNAGU_TEST_POSTGRES_URL: postgresUrl },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const said = await announced(child, program);
  return {
    ...said,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function announced(child: ChildProcess, program: string): Promise<{ url: string; tokens: readonly string[] }> {
  if (!child.stdout) throw new Error(`${program} has no output`);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"url"')) return JSON.parse(line);
  }
  throw new Error(`${program} ended before it listened`);
}
