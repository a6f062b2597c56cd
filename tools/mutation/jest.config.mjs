// The project's jest without its global setup, which Stryker would run again for each mutant: PostgreSQL is started once, by main.mjs.
import project from '../../jest.config.mjs';
import { scopes } from './scopes.mjs';

const { globalSetup, globalTeardown, ...rest } = project;
const root = process.env.TSUNAGU_MUTATION_TREE;
const { specs, database } = scopes[process.env.TSUNAGU_MUTATION_SCOPE ?? ''];

export default {
  ...rest,
  rootDir: root,
  testMatch: database ? specs.map((pattern) => `${root}/${pattern}`) : [`${root}/every.spec.ts`],
  setupFiles: [`${root}/tools/mutation/fewer-runs.mjs`],
  maxWorkers: 1,
};
