#!/usr/bin/env node
// The `tsunagu` command. TypeScript is compiled by a module hook, so there is no build to run first.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;
const root = new URL('../../../', import.meta.url);

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  const pinned = fileURLToPath(new URL('node_modules/node/bin/node', root));
  if (!existsSync(pinned)) {
    console.error('tsunagu needs Node 24: run `npm start` once, it installs what is missing.');
    process.exit(1);
  }
  const run = spawnSync(pinned, process.argv.slice(1), { stdio: 'inherit' });
  process.exit(run.status ?? 1);
}

process.setSourceMapsEnabled(true);
// Whoever reads the output has seen enough (`| head`).
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));
await import(new URL('tools/hook.mjs', root).href);
const { main } = await import(new URL('services/platform/src/cli.ts', root).href);
const code = await main(process.argv.slice(2));
// A pipe takes a long output in parts: all of it first. Then at once, for idle kept-alive connections would hold the process for seconds.
for (const stream of [process.stdout, process.stderr]) await new Promise((written) => stream.write('', written));
process.exit(code);
