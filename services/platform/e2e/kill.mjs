// `npm run kill -- --runs 200`: so many kills of the process and as many of its database, each in the middle of a claim burst.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200' } } });
const jest = [
  '--experimental-vm-modules',
  'node_modules/jest/bin/jest.js',
  '--runInBand',
  'e2e/kill.e2e',
  'e2e/kill-database',
];
const { status } = spawnSync(process.execPath, jest, {
  stdio: 'inherit',
  env: { ...process.env, TSUNAGU_KILLS: values.runs },
});
process.exitCode = status ?? 1;
