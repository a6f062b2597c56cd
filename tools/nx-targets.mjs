// Nx knows every workspace package by its package.json; this gives each one the target `spec`: its own tests, cached
// until its files, those of the packages it depends on, or the tools change. `npm run test:changed` runs it for all.
import { dirname } from 'node:path';

export const createNodesV2 = [
  '{libs,services}/*/package.json',
  (files) =>
    files.map((file) => {
      const root = dirname(file);
      return [file, { projects: { [root]: { root, targets: { spec } } } }];
    }),
];

const spec = {
  executor: 'nx:run-commands',
  cache: true,
  options: {
    command: 'node --experimental-vm-modules node_modules/jest/bin/jest.js --passWithNoTests {projectRoot}/',
  },
  inputs: [
    'sources',
    '^sources',
    '{workspaceRoot}/tools/**',
    '{workspaceRoot}/jest.config.mjs',
    '{workspaceRoot}/package-lock.json',
  ],
};
