// The layout of the design as rules: `npm run lint` fails when one is broken, and tools/layout.spec.ts shows that each one fires.
const spec = '\\.spec\\.ts$';

export default {
  forbidden: [
    {
      name: 'service-imports-service',
      comment: 'Services talk by events and questions only; services/platform alone composes them.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: '^services/platform/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'domain-is-pure',
      comment:
        'Decisions know the kernel, the contracts and each other: no I/O, no framework, no clock, no randomness.',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/domain/', pathNot: spec },
      to: { pathNot: ['^services/$1/src/domain/', '^libs/(kernel|contracts)/'] },
    },
    {
      name: 'kernel-stands-alone',
      comment: 'The kernel needs nothing but hashes and random bytes.',
      severity: 'error',
      from: { path: '^libs/kernel/src/', pathNot: spec },
      to: { pathNot: ['^libs/kernel/src/', '^(node:)?crypto$'] },
    },
    {
      name: 'library-imports-service',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^services/' },
    },
    {
      name: 'kafka-client-in-one-file',
      comment: 'The Kafka client is little maintained: one file knows it, so that it can be exchanged.',
      severity: 'error',
      from: { pathNot: '^libs/event-feed/src/kafka/kafkajs\\.ts$' },
      to: { path: 'node_modules/kafkajs/' },
    },
    {
      name: 'testing-stays-in-tests',
      comment: 'Only the embedded test profile and suites use the simulated outside.',
      severity: 'error',
      from: {
        path: '^(libs|services)/',
        pathNot: ['^libs/testing/', '^services/platform/', '/(test-[^/]*\\.ts$|suite/)', spec],
      },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'cycle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'unresolvable',
      comment: 'An import that leads nowhere, or to a package that no package.json names.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^k6(/|$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
