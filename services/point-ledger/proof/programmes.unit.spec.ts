import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const hook = new URL('../../../tools/hook.mjs', import.meta.url).href;
const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const PROGRAMMES = 10_000;

/** As `npm run prove` does: on every core. The same seeds each time, so that a change is what made one fail; `npm run prove` draws new ones. */
const SEED = 20_261_128;

it(`${PROGRAMMES} random programmes end as the reference ledger says`, async () => {
  const seeded = ['--programmes', String(PROGRAMMES), '--seed', String(SEED)];
  const args = ['--enable-source-maps', '--import', hook, main, ...seeded];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 });
  expect(stdout).toContain(`${PROGRAMMES} programmes in`);
  expect(stdout).toContain('Every programme ends as the reference says.');
}, 600_000);
