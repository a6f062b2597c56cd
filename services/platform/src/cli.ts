import { parseArgs } from 'node:util';
import type { Command } from './command.js';
import { readSettings, UserError } from './settings.js';

/** Loaded when asked for: `tsunagu token` must not pay for the whole platform. */
const commands: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  start: { summary: 'run the platform', load: async () => (await import('./commands/start.js')).start },
  demo: {
    summary: 'the whole way of a point, step by step',
    load: async () => (await import('./commands/demo.js')).demo,
  },
  verify: {
    summary: 'check the invariants I1–I8 over the logs',
    load: async () => (await import('./commands/verify.js')).verify,
  },
  replay: {
    summary: 'one claim from the log, decided again',
    load: async () => (await import('./commands/replay.js')).replay,
  },
  audit: {
    summary: 'check exports offline: signatures, and that nothing was changed (I10)',
    load: async () => (await import('./commands/audit.js')).audit,
  },
  export: {
    summary: 'the logs as files, with their signed heads',
    load: async () => (await import('./commands/export.js')).exportLogs,
  },
  import: {
    summary: 'exports into an empty store',
    load: async () => (await import('./commands/import.js')).importLogs,
  },
  clock: { summary: 'show or move the test clock', load: async () => (await import('./commands/clock.js')).clock },
  status: {
    summary: 'logs, positions, lag, dead letters',
    load: async () => (await import('./commands/status.js')).status,
  },
  logs: {
    summary: "the point ledger's logs, and adding one",
    load: async () => (await import('./commands/logs.js')).logs,
  },
  redrive: {
    summary: 'work dead letters off again',
    load: async () => (await import('./commands/redrive.js')).redrive,
  },
  card: { summary: 'make, renew and revoke test cards', load: async () => (await import('./commands/card.js')).card },
  keys: {
    summary: "the signing keys and the vault's master keys, and changing one without a refused request",
    load: async () => (await import('./commands/keys.js')).keys,
  },
  token: {
    summary: 'access tokens for the test profile',
    load: async () => (await import('./commands/token.js')).token,
  },
};

/** Runs one command. Exit codes: 0 done, 1 refused or failed with one sentence, 2 wrong usage. */
export async function main(args: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = args;
  if (name === 'help' || name === '--help' || name === '-h') {
    console.log(overview());
    return 0;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) {
    console.error(`tsunagu has no command "${name}".\n\n${overview()}`);
    return 2;
  }
  const command = await entry.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  try {
    const { values, positionals } = parse(command, rest);
    return await command.run({ values, positionals, settings: readSettings() });
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${command.help}`);
      return 2;
    }
    if (error instanceof UserError || (error as Error).name === 'ConfigError') {
      console.error((error as Error).message);
      return 1;
    }
    throw error;
  }
}

class UsageError extends Error {}

function parse(command: Command, args: string[]) {
  try {
    return parseArgs({ args, options: command.options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Usage: npx tsunagu COMMAND [--help]\n\n${lines.join('\n')}`;
}
