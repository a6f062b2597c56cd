// What is mutated, and the specs that have to notice. `database`: they need PostgreSQL, one server for the whole run, and stay files of their own.
const overPostgres = [
  'libs/event-store/src/postgres/{committer,failure,notices,postgres-log,recorded-rows,rows,transaction,append-trouble}.ts',
  'libs/event-store/src/projection*.ts',
  'libs/event-store/src/routing/{stored-routes,route-records,log-identity}.ts',
];

export const scopes = {
  kernel: {
    mutate: ['libs/kernel/src/**/*.ts'],
    specs: ['libs/kernel/src/**/*.spec.ts'],
    database: false,
  },
  ledger: {
    mutate: ['services/point-ledger/src/domain/**/*.ts'],
    specs: ['services/point-ledger/src/domain/**/*.unit.spec.ts'],
    database: false,
  },
  store: {
    mutate: ['libs/event-store/src/**/*.ts', '!**/appending-process.ts', ...overPostgres.map((path) => `!${path}`)],
    specs: ['libs/event-store/src/**/*.unit.spec.ts'],
    database: false,
  },
  postgres: {
    mutate: overPostgres,
    specs: [
      'libs/event-store/src/*.int.spec.ts',
      'libs/event-store/src/routing/*.spec.ts',
      // Not those that start processes or servers of their own: no mutant reaches them.
      'libs/event-store/src/postgres/!(full-disk|standby|processes).int.spec.ts',
      'libs/event-store/src/postgres/*.unit.spec.ts',
    ],
    database: true,
  },
};
