// Stryker's settings for one scope; main.mjs says which by the environment. The score of the issue (85 %) is its lower bound.
import { join } from 'node:path';
import { scopes } from './scopes.mjs';

const here = import.meta.dirname;
const name = process.env.TSUNAGU_MUTATION_SCOPE ?? '';
const files = process.env.TSUNAGU_MUTATION_FILES ?? '';
const { mutate } = scopes[name];
const reports = join(here, '..', '..', '.cache', 'mutation', name);

export default {
  plugins: [join(here, 'node_modules/@stryker-mutator/jest-runner/dist/src/index.js')],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings'],
  jest: { projectType: 'custom', configFile: join(here, 'jest.config.mjs'), enableFindRelatedTests: false },
  mutate: files
    ? files.split(',')
    : [...mutate, '!**/*.spec.ts', '!**/{suite,bench}/**', '!**/test-*.ts', '!**/builders.ts'],
  coverageAnalysis: 'perTest',
  // Code that runs when a module is loaded would need a fresh process a mutant; specs see what it made all the same.
  ignoreStatic: true,
  inPlace: true,
  concurrency: Number(process.env.TSUNAGU_MUTATION_WORKERS ?? 1),
  // A module graph that was loaded for a mutant is never let go again (ES modules in a VM context).
  maxTestRunnerReuse: 40,
  timeoutMS: 3_000,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: join(reports, 'report.json') },
  thresholds: { high: 95, low: 85, break: 85 },
  tempDirName: join(reports, 'temporary'),
  allowConsoleColors: false,
  disableTypeChecks: false,
};
